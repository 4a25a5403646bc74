"""Bodies of calls on their way into the request log: what a call keeps of them, and how much waits to be written."""

from collections.abc import Iterable

import msgspec

MOST_HELD = 32 * 1024 * 1024  # Bytes of bodies that wait. Those that come then are left out.
_SHORTEST_SECRET = 8


class Body(msgspec.Struct, gc=False):
    """A body as it came. `start` is its beginning; `is_file` is True if it was too long to be in memory."""

    type: bytes
    coding: bytes
    size: int
    start: bytes
    is_file: bool = False
    is_crowded: bool = False  # True if there was no room for it.

    @property
    def is_cut(self) -> bool:
        return self.size > len(self.start)

    def __repr__(self) -> str:
        return f"<a body of {self.size} bytes>"


def body_of(headers: Iterable[tuple[bytes, bytes]], size: int, start: bytes) -> Body | None:
    """The body that came with these headers; None if there was none."""
    if not size:
        return None
    named = {name.lower(): value for name, value in headers}
    type_, coding = named.get(b"content-type", b""), named.get(b"content-encoding", b"")
    return Body(type_, coding, size, start, is_file=not start)


class Bodies(msgspec.Struct, gc=False):
    """The bodies of one call, and the secrets that it was made with, which an app may have repeated."""

    request: Body | None
    answer: Body | None
    secrets: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"<{self.request!r} and {self.answer!r}>"

    @property
    def held(self) -> int:
        return sum(len(body.start) for body in (self.request, self.answer) if body is not None)


class WaitingBodies:
    """How many bytes of bodies wait to be written (`held`). Of each body the first `most` bytes are kept."""

    __slots__ = ("held", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def admit(self, bodies: Bodies) -> bool:
        """Count the bodies of a call, or empty them if there is no room. False if the call has none."""
        if bodies.request is None and bodies.answer is None:
            return False
        if self.held + bodies.held > MOST_HELD:
            for body in (bodies.request, bodies.answer):
                if body is not None:
                    body.start, body.is_crowded = b"", True
        self.held += bodies.held
        return True


def token_of(authorization: bytes | None) -> tuple[bytes, ...]:
    """The secret in an Authorization header."""
    scheme, _, rest = (authorization or b"").strip().partition(b" ")
    token = rest.strip() or scheme
    return (token,) if len(token) >= _SHORTEST_SECRET else ()
