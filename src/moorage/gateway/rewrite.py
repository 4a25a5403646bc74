"""Decides which headers the gateway passes on, to the upstream and back to the caller."""

import itertools
import re
from collections.abc import Container, Iterable
from copy import copy

import httptools

from moorage.gateway.target import RouteKey
from moorage.gateway.trace_context import NAMES, PARENT, STATE, trace_context
from moorage.http.encode import lines_of
from moorage.http.head import Head
from moorage.http.message import Headers, Response
from moorage.ids import kept_request_id
from moorage.policies.overrides import in_headers

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
# The headers by which a caller chooses a connection. Answers contain the last of them, so callers may send it back.
_CHOICE = frozenset({b"maton-connection", b"x-maton-connection", b"moorage-connection"})
# Headers that make some apps use another path than the request's.
_OTHER_PATH = frozenset(
    {
        b"x-envoy-original-path",
        b"x-forwarded-path",
        b"x-forwarded-uri",
        b"x-forwarded-url",
        b"x-http-destinationurl",
        b"x-original-path",
        b"x-original-uri",
        b"x-original-url",
        b"x-override-path",
        b"x-override-uri",
        b"x-override-url",
        b"x-proxy-url",
        b"x-request-uri",
        b"x-rewrite-path",
        b"x-rewrite-uri",
        b"x-rewrite-url",
        b"x-script-name",
        b"x-waws-unencoded-url",
    }
)


def _with_underscores(names: Iterable[bytes]) -> set[bytes]:
    """Every spelling of the names that has an underscore, because an app behind CGI can't tell it from a hyphen."""
    spellings: set[bytes] = set()
    for name in names:
        first, *words = name.split(b"-")
        for marks in itertools.product((b"-", b"_"), repeat=len(words)):
            if b"_" in marks:
                spellings.add(first + b"".join(map(b"%b%b".__mod__, zip(marks, words, strict=True))))
    return spellings


# The gateway reads these headers itself, and passes only X-Request-Id on, and to some apps those of the trace. Cookies
# belong to the gateway's origin.
_SPECIAL = frozenset(
    HOP_BY_HOP
    | _CHOICE
    | _OTHER_PATH
    | NAMES
    | {b"authorization", b"cookie", b"expect", b"host", b"http2-settings", b"x-request-id"}
    | _with_underscores(HOP_BY_HOP | _OTHER_PATH | {b"content-length", b"http2-settings"})
)
KEPT_FROM_CALLER = HOP_BY_HOP | {
    b"set-cookie",
    b"x-request-id",
    b"moorage-connection",
    b"moorage-environment",
    b"moorage-error-source",
    b"moorage-request-sent",
}
_SPECIAL_IN_ANSWERS = KEPT_FROM_CALLER | {b"content-length", b"location"}
# Types of bodies that have no fields: files, and requests within a request.
_NO_FORM = re.compile(
    rb"(?:audio|font|image|message|model|video)/|text/csv|application/(?:octet-stream|pdf|zip|gzip)|multipart/(?:related|mixed)"
)
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close"})
# The parser has already used this header for the framing, so a Connection header must not remove it.
_NEVER_HOP_BY_HOP = frozenset({b"content-length"})


class CallerHeaders:
    """The headers that the gateway itself needs, and the headers that go on to the upstream.

    Most callers send the same headers with each request of a connection. Then the gateway reads them only once.
    """

    __slots__ = (
        "_authorization",
        "_block",
        "_connection",
        "_lowered",
        "forwarded",
        "lines",
        "overrides",
        "passes_trace",
        "request_id",
        "route_key",
        "trace",
    )  # fmt: skip

    def __init__(self, app: bytes, head: Head, *, passes_trace: bool = False) -> None:
        self._block = head.block
        self._authorization: bytes | None = None
        self._connection: bytes | None = None
        self.forwarded: Headers = []
        # None if the caller sent none, or a request id that is not valid.
        self.request_id: bytes | None = None
        hop_names: set[bytes] | None = None
        traced: Headers = []
        for pair in head.headers:
            name, value = pair[0].lower(), pair[1]
            if name not in _SPECIAL:
                self.forwarded.append(pair)
            elif name == b"connection":
                hop_names = names_in_connection(value, hop_names)
            elif name in NAMES:
                traced.append(pair)
            elif name != b"host":
                self._note(name, pair)
        # The trace that the call belongs to, as the caller says; None if it names none, or not in a valid way.
        self.trace = trace_context(traced) if traced else None
        self.passes_trace = passes_trace
        if self.trace is not None and passes_trace:
            self.forwarded += traced
        if hop_names:
            self.forwarded = [pair for pair in self.forwarded if pair[0].lower() not in hop_names]
        self.lines = lines_of(self.forwarded)
        self._lowered: Headers | None = None
        # True if a header asks for another method; None if nobody has asked yet.
        self.overrides: bool | None = None
        self.route_key = RouteKey(app, self._authorization, self._connection)

    def matches(self, app: bytes, head: Head) -> bool:
        """True if another call has the same app and the same headers. Then this object serves for it, too."""
        return head.block is self._block and app == self.route_key.app

    @property
    def lowered(self) -> Headers:
        """The headers that go on, with names in lower case, as the embedded CRM expects them."""
        if self._lowered is None:
            # The embedded CRM is a part of this server, so it may know the trace.
            trace = [] if self.trace is None else self.trace.headers
            pairs = [pair for pair in self.forwarded if pair not in trace] + trace
            self._lowered = [(name.lower(), value) for name, value in pairs]
        return self._lowered

    def of_span(self, traceparent: bytes) -> "CallerHeaders":
        """The same headers, of which those for the app name another span as its parent."""
        headers = copy(self)
        state = (
            [] if self.trace is None else [pair for pair in self.trace.headers if pair[0].lower() == STATE]
        )
        others = [pair for pair in self.forwarded if pair[0].lower() not in NAMES]
        headers.forwarded = [*others, (PARENT, traceparent), *state]
        headers.lines = lines_of(headers.forwarded)
        headers._lowered = None  # noqa: SLF001 (it is one of this class)
        return headers

    def asks_for_another_method(self) -> bool:
        """True if a header asks the app to treat the call as if it had another method."""
        if self.overrides is None:
            self.overrides = in_headers(name for name, _ in self._block.headers)
        return self.overrides

    def sends_no_form(self) -> bool:
        """True if no framework would read a form or an object in the body, by its type."""
        types = [value for name, value in self._block.lowered if name == b"content-type"]
        return len(types) == 1 and _NO_FORM.match(types[0].strip().lower()) is not None

    def _note(self, name: bytes, pair: tuple[bytes, bytes]) -> None:
        value = pair[1].strip()  # The parser does not remove white space at the end of a value.
        if name == b"authorization":
            self._authorization = self._authorization or value
        elif name in _CHOICE and value:
            # Two different names become one that nobody has, so that neither account gets what is meant for the other.
            known = self._connection
            self._connection = value if known in {None, value} else b"%b, %b" % (known, value)
        elif name == b"x-request-id":
            self.forwarded.append(pair)
            self.request_id = kept_request_id(value) or self.request_id


def names_in_connection(value: bytes, earlier: set[bytes] | None = None) -> set[bytes] | None:
    """The names in a Connection header, and the `earlier` ones. Headers with these names are for this hop only."""
    lowered = value.lower()
    if lowered in _PLAIN_CONNECTION:
        return earlier
    names = {token.strip() for token in lowered.split(b",")}
    return (earlier or set()) | (names - _NEVER_HOP_BY_HOP)


class AnswerHead:
    """The framing of an answer, as its headers say it, and the headers that go on to the caller."""

    __slots__ = ("chunked", "forwarded", "location", "sized")

    def __init__(self, headers: Headers) -> None:
        """Raises HttpParserError for a transfer coding other than chunked, as the gateway asks for no other."""
        self.sized = self.chunked = self.location = False
        forwarded: Headers = []
        self.forwarded = forwarded
        hop_names: set[bytes] | None = None
        for pair in headers:
            name = pair[0].lower()
            if name not in _SPECIAL_IN_ANSWERS:
                forwarded.append(pair)
            elif name == b"content-length":
                self.sized = True
                forwarded.append(pair)
            elif name == b"connection":
                hop_names = names_in_connection(pair[1], hop_names)
            elif name == b"transfer-encoding":
                if pair[1].strip().lower() != b"chunked":
                    raise httptools.HttpParserError("it has a transfer coding that was not asked for")
                self.chunked = True
            elif name == b"location":
                self.location = True
                forwarded.append(pair)
        if hop_names:
            self.drop(hop_names)

    def drop(self, names: Container[bytes]) -> None:
        """Remove the headers with these names, which are in lower case."""
        self.forwarded = [pair for pair in self.forwarded if pair[0].lower() not in names]


def embedded_answer(
    response: Response, request_id: bytes, through: Iterable[tuple[bytes, bytes]]
) -> Response:
    """The embedded CRM's response, in the form for callers. `through` has the headers that name the connection."""
    headers = [pair for pair in response.headers if pair[0].lower() not in KEPT_FROM_CALLER]
    headers += ((b"x-request-id", request_id), *through)
    if response.status >= 400:
        headers.append((b"moorage-error-source", b"upstream"))
    return Response(response.status, response.body, headers)
