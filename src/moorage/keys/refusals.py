"""Log lines about callers without a valid key. They are no entries of the audit, because a stranger could fill that."""

from moorage.clock import Clock
from moorage.logs import Log

MOST_ADDRESSES = 100  # In a minute. All further ones count as one.
OTHERS = "others"

log = Log(__name__)


class Refusals:
    """An address gets a line for its 1st, 10th, 100th … refused call in a minute. So lines stay few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0
        self._counts: dict[str, int] = {}

    def note(self, address: str | None) -> None:
        minute = int(self._clock.timestamp() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        subject = address or ""
        if subject not in self._counts and len(self._counts) >= MOST_ADDRESSES:
            subject = OTHERS
        count = self._counts[subject] = self._counts.get(subject, 0) + 1
        if str(count).strip("0") == "1":
            log.warning("keys.refused", address=subject, count=count)
