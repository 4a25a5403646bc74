"""Which calls a key may make that may only read."""

from urllib.parse import parse_qsl

from moorage.http.head import Head

METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
# By these an upstream may be asked to take a call for one with another method. Some servers read _ in a header as -.
_OVERRIDING_HEADERS = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})
_OVERRIDING_PARAMETERS = frozenset(
    {"_method", "_httpmethod", "$method", "$httpmethod", "http_method_override", "x_http_method_override"}
)


def only_reads(head: Head, native: bytes) -> bool:
    """Whether a call's method is one that reads, and nothing asks the upstream to take it for another one."""
    if head.method not in METHODS:
        return False
    if any(name.lower().replace(b"_", b"-") in _OVERRIDING_HEADERS for name, _ in head.headers):
        return False
    query = native.partition(b"?")[2].decode("latin-1").replace(";", "&")
    names = (name.lower().replace("-", "_") for name, _ in parse_qsl(query, keep_blank_values=True))
    return _OVERRIDING_PARAMETERS.isdisjoint(names)
