"""The head of a request as it arrived, and what is asked of it before anybody looks at it."""

from moorage.http.errors import HeadersTooLarge, MethodNotAllowed, PathInvalid, RequestInvalid
from moorage.http.message import Headers

MAX_TARGET = 16 * 1024
MAX_HEAD = 64 * 1024
_SHORT_BODY = 64 * 1024


class Head:
    """A request up to its body. `target` and the headers' names are as they were sent."""

    __slots__ = ("headers", "keep_alive", "method", "target", "version")

    def __init__(
        self, method: bytes, target: bytes, headers: Headers, version: str, keep_alive: bool
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.version = version
        self.keep_alive = keep_alive and version == "1.1"

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def expects_continue(self) -> bool:
        return self.version == "1.1" and (self.header(b"expect") or b"").lower() == b"100-continue"

    def announces_little(self) -> bool:
        """Whether a body of no more than 64 kB is sure to follow, without anybody asking for it."""
        if self.expects_continue() or self.header(b"transfer-encoding") is not None:
            return False
        return int(self.header(b"content-length") or b"0") <= _SHORT_BODY


def require_sound(head: Head) -> None:
    """Raises MethodNotAllowed, RequestInvalid or PathInvalid for what the parser lets pass and no room answers."""
    if head.version not in {"1.1", "1.0"}:
        raise RequestInvalid("The request is not HTTP/1.1.", help="End its first line with HTTP/1.1.")
    hosts = 0
    for name, _ in head.headers:
        if len(name) == 4 and name.lower() == b"host":
            hosts += 1
    if hosts > 1 or (hosts == 0 and head.version == "1.1"):
        raise RequestInvalid("The request has to name its host once.", help="Send one Host header.")
    if head.method == b"CONNECT":
        raise MethodNotAllowed("This server is no proxy for CONNECT.", allow="GET, POST, PUT, PATCH, DELETE")
    if not head.target.startswith(b"/"):
        raise PathInvalid("The request's target is not a path.", help="Begin it with a slash: GET /healthz.")


def require_small(target: bytes, headers: Headers) -> None:
    """Raises HeadersTooLarge."""
    if len(target) + sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD:
        raise head_too_large()


def head_too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"The request's head is longer than {MAX_HEAD} bytes.", help="Send fewer headers.")
