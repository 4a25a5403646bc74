"""The head of a request as it arrived, and what is asked of it before anybody looks at it."""

from moorage.http.errors import HeadersTooLarge, MethodNotAllowed, PathInvalid, RequestInvalid
from moorage.http.message import Headers
from moorage.http.percent import UNSOUND

MAX_TARGET = 16 * 1024
MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
# Methods as RFC 9110 (9.2) calls them: those that change nothing, and those that may be sent twice.
SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
IDEMPOTENT = SAFE | {b"PUT", b"DELETE"}
_SHORT_BODY = 64 * 1024
_LONGEST_PATH = 1024  # Of the paths that are not an app's.


class HeaderBlock:
    """The headers of a request, once as they were sent and once with `lowered` names; and what they say of its framing.

    `coding` is how the body is transferred, None if in one piece; `length` is how long it is said to be. A client that
    `expects_continue` waits for an interim answer before it sends the body, if it speaks HTTP/1.1.

    Most clients send the same headers with each request of a connection; then the next one's need not be read anew.
    """

    __slots__ = ("coding", "expects_continue", "headers", "hosts", "length", "lowered")

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.lowered = [(name.lower(), value) for name, value in headers]
        self.hosts = 0
        self.coding: bytes | None = None
        self.length = 0
        self.expects_continue = False
        for name, value in self.lowered:
            if name == b"host":
                self.hosts += 1
            elif name == b"content-length":
                self.length = int(value)  # The parser has seen to it that it is a number.
            elif name == b"transfer-encoding":
                self.coding = value if self.coding is None else b"%b, %b" % (self.coding, value)
            elif name == b"expect":  # The parser leaves white space at a value's end.
                self.expects_continue = value.strip().lower() == b"100-continue"


class Head:
    """A request up to its body. `target` is as it was sent; `keep_alive` whether the connection may go on after it."""

    __slots__ = ("headers", "keep_alive", "lines", "method", "target", "version")

    def __init__(
        self, method: bytes, target: bytes, lines: HeaderBlock, version: str, keep_alive: bool
    ) -> None:
        self.method = method
        self.target = target
        self.lines = lines
        self.headers = lines.headers
        self.version = version
        self.keep_alive = keep_alive

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.lines.lowered:
            if key == name:
                return value
        return None

    def expects_continue(self) -> bool:
        return self.lines.expects_continue and self.version == "1.1"

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.lines.length > 0 or self.lines.coding is not None

    def announces_little(self) -> bool:
        """Whether a body of no more than 64 kB is sure to follow, without anybody asking for it."""
        if self.expects_continue() or self.lines.coding is not None:
            return False
        return self.lines.length <= _SHORT_BODY


NO_HEAD = Head(
    b"", b"", HeaderBlock([]), "1.1", keep_alive=True
)  # Of a connection on which nothing was asked yet.


def require_sound(head: Head) -> None:
    """Raises MethodNotAllowed, RequestInvalid or PathInvalid for what the parser lets pass and no room answers."""
    if head.version not in {"1.1", "1.0"}:
        raise RequestInvalid("The request is not HTTP/1.1.", help="End its first line with HTTP/1.1.")
    lines = head.lines
    if lines.hosts != 1 and (lines.hosts or head.version == "1.1"):
        raise RequestInvalid("The request has to name its host once.", help="Send one Host header.")
    if head.method == b"CONNECT":
        raise MethodNotAllowed("This server is no proxy for CONNECT.", allow="GET, POST, PUT, PATCH, DELETE")
    if not head.target.startswith(b"/"):
        raise PathInvalid("The request's target is not a path.", help="Begin it with a slash: GET /healthz.")
    if b"#" in head.target:
        raise PathInvalid("The path has a fragment.", help="Encode # as %23.")
    if lines.coding and (head.version != "1.1" or lines.coding.strip().lower() != b"chunked"):
        raise RequestInvalid(
            "The body has a transfer coding that is not read here.",
            help="Use Content-Length, or only chunked.",
        )


def require_short_path(target: bytes) -> None:
    """Raises PathInvalid for what no path of ours is, and a library would spend much on."""
    path = target.partition(b"?")[0]
    if len(path) > _LONGEST_PATH or UNSOUND.search(path):
        raise PathInvalid(
            f"The path is longer than {_LONGEST_PATH} bytes, or not percent-encoded soundly.",
            help="No path of this server's own is so long, or needs encoding.",
        )


def require_small(target: bytes, headers: Headers) -> None:
    """Raises HeadersTooLarge."""
    if len(target) + sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD:
        raise head_too_large()


def too_many_headers() -> HeadersTooLarge:
    return HeadersTooLarge(f"The request has more than {MAX_HEADERS} headers.", help="Send fewer headers.")


def head_too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"The request's head is longer than {MAX_HEAD} bytes.", help="Send fewer headers.")
