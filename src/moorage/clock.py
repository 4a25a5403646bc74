"""Clocks. Code gets its clock as an argument, so that tests and users can freeze and advance the time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Seconds. Two clocks may differ by this much, and a clock may be corrected by this much, before a token or a link is
# refused.
SKEW = 300.0


def lately(moment: float, now: float, window: float) -> bool:
    """True if `moment` lies within the last `window` seconds.

    `moment` lies in the future if the clock was put back since. Then it counts as now if it is less than `window`
    ahead, and not at all otherwise. So no limit lasts longer than twice its window, even if the clock is changed.
    """
    return -window < now - moment < window


def is_ahead(moment: float, now: float, most: float) -> bool:
    """True if an end at `moment` is still in the future. What ends then lasts at most `most` seconds.

    An end that is further away was noted before the clock was put back. It counts as past.
    """
    return now < moment <= now + most


class Clock(Protocol):
    def timestamp(self) -> float:
        """Seconds since the epoch."""

    def now(self) -> datetime:
        """The same instant as an aware datetime in UTC."""


class SystemClock:
    timestamp = staticmethod(time.time)

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
