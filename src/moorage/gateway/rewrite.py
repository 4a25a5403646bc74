"""What passes from one side to the other and what doesn't: headers both ways, and paths."""

import re
from collections.abc import Container

import httptools

from moorage.gateway.decide import Question
from moorage.http.encode import lines_of
from moorage.http.errors import MethodNotAllowed, PathInvalid
from moorage.http.head import Head
from moorage.http.message import Headers, Response

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# Of these, X-Request-Id alone goes on. The gateway answers Expect itself; cookies of its origin stay here.
_CHOICE = frozenset({b"maton-connection", b"x-maton-connection"})
_NOTED = (
    HOP_BY_HOP
    | _CHOICE
    | {b"authorization", b"cookie", b"expect", b"host", b"http2-settings", b"x-request-id"}
)
KEPT_FROM_CALLER = HOP_BY_HOP | {
    b"set-cookie",
    b"x-request-id",
    b"moorage-error-source",
    b"moorage-request-sent",
}
_NOTED_OF_ANSWERS = KEPT_FROM_CALLER | {b"content-length"}
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close"})
# Framing is decided by what was parsed, so naming it in Connection can't remove it.
_NEVER_NAMED = frozenset({b"content-length"})
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# A segment that means "up" to some server, however it is written and however often it is encoded (%252e is a dot
# to one that decodes twice); what follows ; counts as part of no segment there.
_SEPARATOR = rb"(?:/|%(?:25)*(?:2f|5c))"
_CLIMBS = re.compile(rb"(?i)%b(?:\.|%%(?:25)*2e){2}(?:%b|;|%%(?:25)*3b|$)|\\|%%5c" % (_SEPARATOR, _SEPARATOR))

_UNUSUAL = re.compile(rb"[.%\\]")  # Most paths have none of these, without which none can climb.
_NO_PATH = frozenset({b"", b"/"})


class Caller:
    """What a request's headers say to the gateway, and those that go on to the upstream.

    Most callers send the same headers with each request of a connection; then the next one need not be read anew.
    """

    __slots__ = (
        "_authorization", "_connection", "_lines", "forwarded", "lines", "question", "request_id",
    )  # fmt: skip

    def __init__(self, app: bytes, head: Head) -> None:
        self._lines = head.lines
        self._authorization: bytes | None = None
        self._connection: bytes | None = None
        self.forwarded: Headers = []
        self.request_id: bytes | None = None  # None if the caller sent none that can be kept.
        named: set[bytes] | None = None
        for pair in head.headers:
            name, value = pair[0].lower(), pair[1]
            if name not in _NOTED:
                self.forwarded.append(pair)
            elif name == b"connection":
                named = named_by(value, named)
            elif name != b"host":
                self._note(name, pair)
        if named:
            self.forwarded = [pair for pair in self.forwarded if pair[0].lower() not in named]
        self.lines = lines_of(self.forwarded)
        self.question = Question(app, self._authorization, self._connection)

    def says(self, app: bytes, head: Head) -> bool:
        """Whether that call's headers are the same, and so everything they say."""
        return head.lines is self._lines and app == self.question.app

    def _note(self, name: bytes, pair: tuple[bytes, bytes]) -> None:
        value = pair[1].strip()  # The parser leaves white space at its end.
        if name == b"authorization":
            self._authorization = self._authorization or value
        elif name in _CHOICE:
            self._connection = self._connection or value or None
        elif name == b"x-request-id":
            self.forwarded.append(pair)
            if _SANE_ID.fullmatch(value):
                self.request_id = value


def named_by(value: bytes, known: set[bytes] | None = None) -> set[bytes] | None:
    """The headers that a Connection header names for its own hop, besides those named already."""
    plain = value.lower()
    if plain in _PLAIN_CONNECTION:
        return known
    names = {token.strip() for token in plain.split(b",")}
    return (known or set()) | (names - _NEVER_NAMED)


def require_safe(method: bytes, app: bytes, native: bytes) -> None:
    """Raises PathInvalid for a native path (with its query) that an upstream could read as another one, or none.

    Raises MethodNotAllowed for TRACE, whose answer would show the token.
    """
    path = native.partition(b"?")[0]
    if path in _NO_PATH:
        raise PathInvalid(
            "The path ends after the app.",
            help=f"Add the app's own path, as in /{app.decode()}/crm/v8/Leads.",
        )
    if path.startswith(b"//"):
        raise PathInvalid(
            "The path has two slashes after the app.", help="Use one, as in /zoho-crm/crm/v8/Leads."
        )
    if _UNUSUAL.search(path) and _CLIMBS.search(path):
        raise PathInvalid(
            "The path has a segment that climbs, or a backslash.",
            help="Write the path out, without `..` segments.",
        )
    if method == b"TRACE":
        raise MethodNotAllowed(
            "TRACE is not passed on.", allow="GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        )


class AnswerHead:
    """What an answer's headers say about its framing, and those that go on to the caller."""

    __slots__ = ("chunked", "forwarded", "sized")

    def __init__(self, headers: Headers) -> None:
        """Raises HttpParserError, as the parser does for other nonsense, for a coding that nobody asked for."""
        self.forwarded: Headers = []
        self.sized = self.chunked = False
        named: set[bytes] | None = None
        for pair in headers:
            name = pair[0].lower()
            if name not in _NOTED_OF_ANSWERS:
                self.forwarded.append(pair)
            elif name == b"content-length":
                self.sized = True
                self.forwarded.append(pair)
            elif name == b"transfer-encoding":
                if pair[1].strip().lower() != b"chunked":
                    raise httptools.HttpParserError("a transfer coding that nobody asked for")
                self.chunked = True
            elif name == b"connection":
                named = named_by(pair[1], named)
        if named:
            self.drop(named)

    def drop(self, names: Container[bytes]) -> None:
        """Keep the headers of those (lower-case) names from the caller."""
        self.forwarded = [pair for pair in self.forwarded if pair[0].lower() not in names]


def embedded_answer(response: Response, request_id: bytes) -> Response:
    """The embedded CRM's response as a caller gets it."""
    headers = [pair for pair in response.headers if pair[0].lower() not in KEPT_FROM_CALLER]
    headers.append((b"x-request-id", request_id))
    if response.status >= 400:
        headers.append((b"moorage-error-source", b"upstream"))
    return Response(response.status, response.body, headers)
