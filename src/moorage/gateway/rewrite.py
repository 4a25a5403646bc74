"""What passes from one side to the other and what doesn't: headers both ways, and paths."""

import re

from moorage.http.errors import PathInvalid, RequestInvalid
from moorage.http.head import Head
from moorage.http.message import Headers, Response
from moorage.ids import new_request_id

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
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close"})
# Framing is decided by what was parsed, so naming it in Connection can't remove it.
_NEVER_NAMED = frozenset({b"content-length"})
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# A segment that means "up" to some server, however it is written and however often it is encoded (%252e is a dot
# to one that decodes twice); what follows ; counts as part of no segment there.
_SEPARATOR = rb"(?:/|%(?:25)*(?:2f|5c))"
_CLIMBS = re.compile(rb"(?i)%b(?:\.|%%(?:25)*2e){2}(?:%b|;|%%(?:25)*3b|$)|\\|%%5c" % (_SEPARATOR, _SEPARATOR))


class Caller:
    """What a request's headers say to the gateway, and those that go on to the upstream."""

    __slots__ = ("authorization", "chunked", "connection", "forwarded", "request_id")

    def __init__(self, head: Head) -> None:
        """Raises RequestInvalid for a body in a coding that can't be passed on."""
        self.authorization: bytes | None = None
        self.connection: bytes | None = None
        self.chunked = False
        self.forwarded: Headers = []
        self.request_id = b""
        named: set[bytes] | None = None
        for pair in head.headers:
            name, value = pair[0].lower(), pair[1]
            if name not in _NOTED:
                self.forwarded.append(pair)
            elif name == b"connection":
                named = named_by(value, named)
            else:
                self._note(head, name, pair)
        if named:
            self.forwarded = [pair for pair in self.forwarded if pair[0].lower() not in named]
        if not self.request_id:
            self.request_id = new_request_id().encode()

    def _note(self, head: Head, name: bytes, pair: tuple[bytes, bytes]) -> None:
        value = pair[1].strip()  # The parser leaves white space at its end.
        if name == b"authorization":
            self.authorization = self.authorization or value
        elif name in _CHOICE:
            self.connection = self.connection or value or None
        elif name == b"transfer-encoding":
            self.chunked = _require_chunked(head, value)
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


def require_safe(native: bytes) -> None:
    """Raises PathInvalid for a native path (with its query) that an upstream could read as another one."""
    path = native.partition(b"?")[0]
    if path.startswith(b"//"):
        raise PathInvalid(
            "The path has two slashes after the app.", help="Use one, as in /zoho-crm/crm/v8/Leads."
        )
    if b"#" in native:
        raise PathInvalid("The path has a fragment.", help="Encode # as %23.")
    if (b".." in path or b"%" in path or b"\\" in path) and _CLIMBS.search(path):
        raise PathInvalid(
            "The path has a segment that climbs, or a backslash.",
            help="Write the path out, without `..` segments.",
        )


def _require_chunked(head: Head, value: bytes) -> bool:
    if value.lower() != b"chunked" or head.version != "1.1":
        raise RequestInvalid(
            "The body has a transfer coding that can't be passed on.",
            help="Use Content-Length, or only chunked.",
        )
    return True


def answer_headers(status: int, headers: list[tuple[bytes, bytes, bytes]], request_id: bytes) -> list[bytes]:
    """The lines that a caller gets of an answer's headers (lower-case name, name as sent, value)."""
    # Some readers would wait for the body that a Length announces and a 204 can't have.
    dropped = KEPT_FROM_CALLER if status != 204 else KEPT_FROM_CALLER | {b"content-length"}
    for name, _, value in headers:
        if name == b"connection" and (named := named_by(value)):
            dropped = dropped | named
    lines = [b"%b: %b\r\n" % (sent, value) for name, sent, value in headers if name not in dropped]
    lines.append(b"X-Request-Id: %b\r\n" % request_id)
    if status >= 400:
        lines.append(b"Moorage-Error-Source: upstream\r\n")
    return lines


def embedded_answer(response: Response, request_id: bytes) -> Response:
    """The embedded CRM's response as a caller gets it."""
    headers = [pair for pair in response.headers if pair[0].lower() not in KEPT_FROM_CALLER]
    headers.append((b"x-request-id", request_id))
    if response.status >= 400:
        headers.append((b"moorage-error-source", b"upstream"))
    return Response(response.status, response.body, headers)
