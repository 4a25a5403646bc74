"""Decides whether a key that may only read is allowed to make a call."""

from moorage.http.head import SAFE, Head
from moorage.policies.overrides import in_headers, in_target


def only_reads(head: Head, native: bytes) -> bool:
    """True if the call's method only reads, and no header or parameter asks the upstream to use another method."""
    path, _, query = native.partition(b"?")
    return (
        head.method in SAFE
        and not in_headers(name for name, _ in head.headers)
        and not in_target(path, query)
    )
