"""Finds what asks an app to treat a call as if it had another method."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

from moorage.http.percent import fully_decoded

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
_SEGMENT_PARAMETER = re.compile(rb"[;?&#]([^;?&#/=]*)")


def in_headers(names: Iterable[bytes]) -> bool:
    """True if one of the headers with these names asks for another method."""
    return any(_OVERRIDING_HEADER.fullmatch(_joined(name)) for name in names)


def in_target(path: bytes, query: bytes) -> bool:
    """True if a parameter of the query, or one behind `;` or an encoded `?` in the path, asks for another method."""
    return any(map(is_parameter, _parameters(path, query)))


def is_parameter(name: str) -> bool:
    """True if a parameter of this name asks for another method, in a query or in a body."""
    text = name.partition("\0")[0].strip().lower()
    return (
        _OVERRIDING_PARAMETER.fullmatch(_BETWEEN.sub("_", text[:1] + text[1:].partition("[")[0])) is not None
    )


def _joined(name: bytes) -> bytes:
    return name.lower().replace(b"-", b"").replace(b"_", b"")


def _parameters(path: bytes, query: bytes) -> Iterator[str]:
    """The names of the parameters, as an app may read them.

    PHP reads dots, spaces and brackets in a name as underscores, and `_method[]` as a list named `_method`.
    """
    names = _SEGMENT_PARAMETER.findall(fully_decoded(path))
    names += [part.partition(b"=")[0] for part in query.replace(b";", b"&").replace(b"?", b"&").split(b"&")]
    for name in names:
        yield unquote_plus(name.decode("latin-1"))
