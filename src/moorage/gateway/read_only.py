"""Decides whether a key that may only read is allowed to make a call."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from moorage.gateway.paths import decode
from moorage.http.head import SAFE, Head

# Headers that ask an upstream to treat a call as if it had another method: X-HTTP-Method-Override, X-Method,
# X-Original-Method, X-Http-Verb, Method-Override … The words may be joined in any way.
_OVERRIDING_HEADER = re.compile(
    rb"_?x?(?:http|rest|api|original|forwarded|real|re(?:write|quest(?:ed)?)|override|tunnel(?:l?ed)?|envoy)*"
    rb"(?:method|verb)s?(?:overrides?|overwrite|original|tunnel)?|x?http?override"
)
# Parameters that do the same, after the characters between their words were replaced by one underscore. A plain
# `method` is not among them, because many apps use that name for something else.
_OVERRIDING_PARAMETER = re.compile(
    r"[_$](?:http_?)?(?:method|verb)_?|_?\$?(?:x_?)?http_?(?:method|verb)_?(?:override)?_?"
    r"|_?\$?(?:x_?)?(?:method|verb)_?override_?|_?x_(?:method|verb)_?"
    r"|_?(?:x_?)?(?:original|override|request|tunnel|rest)_?(?:method|verb)_?"
)
_BETWEEN = re.compile(r"[^a-z0-9$]+")
_SEGMENT_PARAMETER = re.compile(rb";([^;/=]*)")


def only_reads(head: Head, native: bytes) -> bool:
    """True if the call's method only reads, and no header or parameter asks the upstream to use another method."""
    if head.method not in SAFE:
        return False
    if any(_overrides(name) for name, _ in head.headers):
        return False
    return not any(_OVERRIDING_PARAMETER.fullmatch(name) for name in _parameters(native))


def _overrides(header: bytes) -> bool:
    name = header.lower().replace(b"-", b"").replace(b"_", b"")
    return _OVERRIDING_HEADER.fullmatch(name) is not None


def _parameters(native: bytes) -> Iterator[str]:
    """The names of the parameters in the query and behind semicolons in the path, as an app may read them.

    PHP reads dots, spaces and brackets in a name as underscores, and `_method[]` as a list named `_method`.
    """
    path, _, query = native.partition(b"?")
    names = _SEGMENT_PARAMETER.findall(decode(path))
    names += [part.partition(b"=")[0] for part in query.replace(b";", b"&").replace(b"?", b"&").split(b"&")]
    for name in names:
        text = unquote_plus(name.decode("latin-1")).partition("\0")[0].strip().lower()
        yield _BETWEEN.sub("_", text[:1] + text[1:].partition("[")[0])
