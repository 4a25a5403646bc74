"""Time, passed in and never reached for, so that tests and users can freeze and advance it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SKEW = 300.0  # Seconds by which clocks may differ, or be put right, and nothing that is signed or given is refused.


def lately(moment: float, now: float, window: float) -> bool:
    """Whether something that was noted at a moment is of the last `window` seconds.

    What lies ahead was noted before the clock was put back. By less than the window, it counts as of just now; by more,
    it counts for nothing: so no window, budget or throttle holds for more than twice its time, whatever clocks do.
    """
    return -window < now - moment < window


def is_ahead(moment: float, now: float, most: float) -> bool:
    """Whether the end of something that lasts `most` seconds is yet to come.

    An end too far ahead was noted before the clock was put back, and has come.
    """
    return now < moment <= now + most


class Clock(Protocol):
    def timestamp(self) -> float:
        """Seconds since the epoch."""

    def now(self) -> datetime:
        """The same instant as an aware datetime in UTC."""


class SystemClock:
    def timestamp(self) -> float:
        return time.time()

    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """Stands still until it is advanced."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def timestamp(self) -> float:
        return self._now.timestamp()

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
