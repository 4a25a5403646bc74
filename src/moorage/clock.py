"""Clocks. Code gets its clock as an argument, so that tests and users can freeze and advance the time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Seconds. Clocks may differ, or be corrected, by so much, and no token or link is refused for it.
SKEW = 300.0


def lately(moment: float, now: float, window: float) -> bool:
    """Whether `moment` lies within the last `window` seconds.

    A moment in the future was noted before the clock was put back. It counts as now if it is less than the window
    ahead, else not at all. So no window, budget or throttle holds longer than twice its time, whatever clocks do.
    """
    return -window < now - moment < window


def is_ahead(moment: float, now: float, most: float) -> bool:
    """Whether the end, at `moment`, of something that lasts at most `most` seconds is still in the future.

    An end too far in the future was noted before the clock was put back, and counts as past.
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
    """A clock that stands still until it is advanced."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def timestamp(self) -> float:
        return self._now.timestamp()

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
