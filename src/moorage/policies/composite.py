"""The calls within a composite request."""

from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import urlencode

from msgspec.structs import replace

from moorage.policies import bodies
from moorage.policies.model import ANY_MODULE, SAFE_METHODS, Kind, Operation, worst
from moorage.policies.overrides import in_headers

MOST_CALLS = 100
_DEEPEST = 3  # Calls within calls within calls.


class Operations(Protocol):
    """The operations of an app (`AppOperations`)."""

    def classify(
        self, method: str, path: bytes, query: bytes, body: bytes | None, *, overridden: bool, depth: int
    ) -> Operation: ...

    def worst(self, method: str) -> Kind: ...


def of_calls(operations: Operations, whole: Operation, body: bytes, depth: int) -> Operation:
    """A composite request as one operation that does what all of its calls do.

    `whole` is what it may do as long as nobody has read its body, which stays so if the body can't be read.
    """
    try:
        parts = [_operation(operations, call, depth) for call in _calls_in(body)]
    except (bodies.Unreadable, RecursionError):
        return whole
    return replace(
        whole,
        kind=worst(part.kind for part in parts),
        modules=tuple(sorted({module for part in parts for module in part.modules})),
        records=sum(part.records for part in parts),
        parts=tuple(parts),
        opaque=False,
    )


def _operation(operations: Operations, call: Any, depth: int) -> Operation:
    """What one of the calls does. Raises Unreadable."""
    if depth >= _DEEPEST or not isinstance(call, dict):
        raise bodies.Unreadable
    method, uri = call.get("method"), call.get("uri")
    params, headers = call.get("params") or {}, call.get("headers") or {}
    if not isinstance(method, str) or not isinstance(uri, str):
        raise bodies.Unreadable
    if not isinstance(params, dict) or not isinstance(headers, dict):
        raise bodies.Unreadable
    method = method.strip().upper()
    path, _, query = uri.encode("utf-8", "replace").partition(b"?")
    query += b"&" + urlencode(params).encode()
    overridden = in_headers(name.encode("utf-8", "replace") for name in headers)
    body = b"" if call.get("body") is None else bodies.bytes_of(call["body"])
    operation = operations.classify(method, path, query, body, overridden=overridden, depth=depth + 1)
    if not bodies.has_reference(uri):
        return operation
    # A reference to another answer may become anything, also several segments of a path.
    kind = operation.kind if method in SAFE_METHODS else operations.worst(method)
    return replace(operation, kind=kind, modules=(ANY_MODULE,), opaque=True)


def _calls_in(body: bytes) -> Iterator[Any]:
    """The calls of a composite request. Raises Unreadable."""
    document = bodies.json_of(body)
    calls = document.get("__composite_requests") if isinstance(document, dict) else None
    if not isinstance(calls, list) or len(calls) > MOST_CALLS:
        raise bodies.Unreadable
    yield from calls
