"""Measures how fast the body of a request arrives. Below MIN_RATE the request is ended."""

from moorage.http.errors import RequestTooSlow
from moorage.http.head import Head

MIN_RATE = 400  # Bytes per second, measured over the time for which an idle connection is kept.


class Pace:
    """Counts the received bytes of a request's body. A body that arrives in one read does not come here."""

    __slots__ = ("_head", "_received", "_since")

    def __init__(self) -> None:
        self._head: Head | None = None
        self._since = 0.0
        self._received = 0

    def add(self, head: Head, size: int, now: float) -> None:
        """Count `size` more bytes of the body of this request."""
        if self._head is not head:
            self._head, self._since, self._received = head, now, 0
        self._received += size

    def pause(self) -> None:
        """Start again with the next bytes, because the client is not allowed to send meanwhile."""
        self._head = None

    def seconds_left(self, head: Head, now: float, period: float) -> float:
        """Seconds until the next check of this body; 0 if it was slower than MIN_RATE for `period` seconds."""
        if self._head is not head:
            return period
        elapsed = now - self._since
        if elapsed < period:
            return period - elapsed
        if self._received < MIN_RATE * elapsed:
            return 0
        self._since, self._received = now, 0
        return period


def too_slow(period: float) -> RequestTooSlow:
    return RequestTooSlow(
        f"For {period} seconds, less than {MIN_RATE} bytes per second of the body arrived.",
        help="Send the body faster, or send smaller requests.",
    )
