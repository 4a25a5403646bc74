"""The head of a request, and the checks that every head has to pass."""

from moorage.http.errors import HeadersTooLarge, MethodNotAllowed, PathInvalid, RequestInvalid
from moorage.http.message import Headers
from moorage.http.percent import INVALID_PERCENT

MAX_TARGET = 16 * 1024
MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
# RFC 9110 (9.2): safe methods change nothing, idempotent methods may be sent twice.
SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
IDEMPOTENT = SAFE | {b"PUT", b"DELETE"}
_SHORT_BODY = 64 * 1024
_LONGEST_PATH = 1024  # The limit for paths of Moorage itself, in bytes. The paths of apps may be longer.


class HeaderBlock:
    """The headers of a request, as they were sent and with `lowered` names, and what they say about the body.

    `coding` is the Transfer-Encoding, or None; `length` is the Content-Length, or 0. A client of HTTP/1.1 that
    `expects_continue` waits for an interim answer before it sends the body.

    Most clients send the same headers with each request of a connection. Then all these requests share one block.
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
                self.length = int(value)  # The parser lets only numbers pass.
            elif name == b"transfer-encoding":
                self.coding = value if self.coding is None else b"%b, %b" % (self.coding, value)
            elif name == b"expect":  # The parser does not remove white space at the end of a value.
                self.expects_continue = value.strip().lower() == b"100-continue"


class Head:
    """A request without its body. `target` is unchanged. `keep_alive` is True if the connection may go on after it."""

    __slots__ = ("block", "headers", "keep_alive", "method", "target", "version")

    def __init__(
        self, method: bytes, target: bytes, block: HeaderBlock, version: str, keep_alive: bool
    ) -> None:
        self.method = method
        self.target = target
        self.block = block
        self.headers = block.headers
        self.version = version
        self.keep_alive = keep_alive

    def header(self, name: bytes) -> bytes | None:
        """The first header with this name, which is in lower case; None if there is none."""
        for key, value in self.block.lowered:
            if key == name:
                return value
        return None

    def expects_continue(self) -> bool:
        return self.block.expects_continue and self.version == "1.1"

    @property
    def has_body(self) -> bool:
        """True if a body follows."""
        return self.block.length > 0 or self.block.coding is not None

    def has_short_body(self) -> bool:
        """True if the client sends its body without being asked, and the body has at most 64 kB."""
        if self.expects_continue() or self.block.coding is not None:
            return False
        return self.block.length <= _SHORT_BODY


# The head of a connection on which no request has arrived yet.
NO_HEAD = Head(b"", b"", HeaderBlock([]), "1.1", keep_alive=True)


def require_valid(head: Head) -> None:
    """Raises MethodNotAllowed, RequestInvalid or PathInvalid for a head that only the parser accepts."""
    if head.version not in {"1.1", "1.0"}:
        raise RequestInvalid("The request is not HTTP/1.1.", help="End its first line with HTTP/1.1.")
    block = head.block
    if block.hosts != 1 and (block.hosts or head.version == "1.1"):
        raise RequestInvalid("The request needs exactly one Host header.", help="Send one Host header.")
    if head.method == b"CONNECT":
        raise MethodNotAllowed(
            "This server is not a proxy for CONNECT.", allow="GET, POST, PUT, PATCH, DELETE"
        )
    if not head.target.startswith(b"/"):
        raise PathInvalid(
            "The target of the request is not a path.", help="Begin it with a slash: GET /healthz."
        )
    if b"#" in head.target:
        raise PathInvalid("The path has a fragment.", help="Encode # as %23.")
    if block.coding and (head.version != "1.1" or block.coding.strip().lower() != b"chunked"):
        raise RequestInvalid(
            "The body has a transfer coding that this server does not read.",
            help="Use Content-Length, or the transfer coding chunked alone.",
        )


def require_short_path(target: bytes) -> None:
    """Raises PathInvalid for a path that can't be Moorage's own, and for which Starlette would need much time."""
    path = target.partition(b"?")[0]
    if len(path) > _LONGEST_PATH or INVALID_PERCENT.search(path):
        raise PathInvalid(
            f"The path is longer than {_LONGEST_PATH} bytes, or its percent-encoding is not valid.",
            help="Check the path. No path of this server's own is so long, or needs percent-encoding.",
        )


def require_small(target: bytes, headers: Headers) -> None:
    """Raises HeadersTooLarge if the head has more than MAX_HEAD bytes."""
    if len(target) + sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD:
        raise head_too_large()


def too_many_headers() -> HeadersTooLarge:
    return HeadersTooLarge(f"The request has more than {MAX_HEADERS} headers.", help="Send fewer headers.")


def head_too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The head of the request is longer than {MAX_HEAD} bytes.", help="Send fewer headers."
    )
