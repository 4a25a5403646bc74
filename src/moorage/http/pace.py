"""How fast a body comes: slowly is fine, hardly at all is not."""

from moorage.http.errors import RequestTooSlow
from moorage.http.head import Head

LEAST_RATE = 400  # Bytes a second, over the time that an unused connection is kept.


class Pace:
    """How much has come of a request's body, and since when. Bodies that come in one read are never seen here."""

    __slots__ = ("_came", "_head", "_since")

    def __init__(self) -> None:
        self._head: Head | None = None
        self._since = 0.0
        self._came = 0

    def came(self, head: Head, size: int, now: float) -> None:
        """Some more of that request's body has come."""
        if self._head is not head:
            self._head, self._since, self._came = head, now, 0
        self._came += size

    def pause(self) -> None:
        """The client is kept from sending, so its time begins anew with what comes next."""
        self._head = None

    def left(self, head: Head, now: float, period: float) -> float:
        """How long until that body is looked at again; nothing if too little of it came in a whole period."""
        if self._head is not head:
            return period
        elapsed = now - self._since
        if elapsed < period:
            return period - elapsed
        if self._came < LEAST_RATE * elapsed:
            return 0
        self._since, self._came = now, 0
        return period


def too_slow(period: float) -> RequestTooSlow:
    return RequestTooSlow(
        f"Less than {LEAST_RATE} bytes a second of the body came, for {period} seconds.",
        help="Send it faster, or in smaller requests.",
    )
