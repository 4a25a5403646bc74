"""Time, passed in and never reached for, so that tests and users can freeze and advance it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


def wire_time(moment: datetime) -> str:
    """How our API shows an instant of UTC, such as 2025-12-08T07:20:53.488460Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


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
