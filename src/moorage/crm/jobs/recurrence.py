"""When something that recurs comes next. The rules are a small part of those of calendars [RFC 5545]."""

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

MOST_INTERVAL = 52
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY_OF_WEEK = re.compile(r"(?P<place>[1-4]|-1)?(?P<day>MO|TU|WE|TH|FR|SA|SU)")
_PARTS = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY"}


class Recurrence(Struct, frozen=True):
    """Each `interval` weeks on a `weekday`, or each `interval` months: on the day `day`, or on the weekday that is the
    `place`-th in its month (-1 for the last one). Monday is 0.
    """

    is_weekly: bool
    interval: int
    weekday: int | None = None
    place: int | None = None
    day: int | None = None

    def first(self, zone: ZoneInfo, now: int) -> int:
        """The first time behind now at the same time of the day, in seconds since the epoch."""
        today = _local(zone, now)
        for ahead in range(1, 32):
            following = today + timedelta(days=ahead)
            if self._is_on(following.date()):
                return _instant(following)
        raise AssertionError("no month has neither this day nor a last one")

    def next(self, zone: ZoneInfo, last: int, now: int) -> int:
        """The first time behind now, counted from the last one that was planned."""
        planned = _local(zone, last)
        while (instant := _instant(planned)) <= now or instant <= last:
            planned = self._following(planned)
        return instant

    def _following(self, planned: datetime) -> datetime:
        if self.is_weekly:
            return planned + timedelta(weeks=self.interval)
        month = planned.year * 12 + planned.month - 1 + self.interval
        first = planned.replace(year=month // 12, month=month % 12 + 1, day=1)
        return next(day for ahead in range(31) if self._is_on((day := first + timedelta(days=ahead)).date()))

    def _is_on(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if self.day is not None:  # A shorter month has it on its last day.
            return day.day == min(self.day, length)
        if day.weekday() != self.weekday:
            return False
        place = -1 if self.place == -1 and day.day > length - 7 else (day.day + 6) // 7
        return self.place is None or self.place == place


def recurrence_of(text: str) -> Recurrence:
    """Read a rule such as RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU. Raises ValueError."""
    pairs = [part.partition("=")[::2] for part in text.removeprefix("RRULE:").split(";")]
    parts = dict(pairs)
    if len(parts) < len(pairs) or not parts.keys() <= _PARTS:
        raise ValueError("a part is unknown, or comes twice")
    interval = _number(parts.get("INTERVAL", ""), MOST_INTERVAL)
    frequency, weekday, day = parts.get("FREQ"), parts.get("BYDAY"), parts.get("BYMONTHDAY")
    if frequency not in {"WEEKLY", "MONTHLY"} or (weekday is None) == (day is None):
        raise ValueError("it is neither on a weekday nor on a day of the month")
    if day is not None:
        if frequency == "WEEKLY":
            raise ValueError("weeks have no days of a month")
        return Recurrence(is_weekly=False, interval=interval, day=_number(day, 31))
    matched = _DAY_OF_WEEK.fullmatch(weekday or "")
    if matched is None or (matched["place"] is None) is not (frequency == "WEEKLY"):
        raise ValueError("there is no such weekday")
    place = None if matched["place"] is None else int(matched["place"])
    return Recurrence(frequency == "WEEKLY", interval, _DAYS.index(matched["day"]), place)


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= most):
        raise ValueError(f"a number is not from 1 to {most}")
    return int(text)


def _local(zone: ZoneInfo, instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC).astimezone(zone).replace(tzinfo=zone)


def _instant(local: datetime) -> int:
    return int(local.timestamp())
