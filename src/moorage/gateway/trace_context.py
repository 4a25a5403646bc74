"""The trace that a call belongs to, as its caller names it [W3C Trace Context]."""

import re
from typing import NamedTuple

from moorage.http.message import Headers

PARENT, STATE = b"traceparent", b"tracestate"
NAMES = frozenset({PARENT, STATE})
# The ids are not all zeros. Only a later version may have more behind the flags.
_PARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[ -~]*)?"
)
_SAMPLED = 1


class TraceContext(NamedTuple):
    """The ids are hexadecimal digits. `headers` are those that named the trace."""

    trace_id: bytes
    parent_id: bytes
    is_sampled: bool
    headers: Headers


def trace_context(headers: Headers) -> TraceContext | None:
    """The context that these headers with a name of NAMES give; None if they give none."""
    parents = [value.strip() for name, value in headers if name.lower() == PARENT]
    match = _PARENT.fullmatch(parents[0]) if len(parents) == 1 else None
    if match is None or (match[1] == b"00" and match[5] is not None):
        return None
    _, trace_id, parent_id, flags, _ = match.groups()
    return TraceContext(trace_id, parent_id, bool(int(flags, 16) & _SAMPLED), headers)
