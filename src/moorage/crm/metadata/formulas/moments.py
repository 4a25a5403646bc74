"""Dates and times in formulas.

A date is a `date`, a time its seconds since the epoch: `Moment` is either. Where a date meets a time, it counts as its
first second in the organisation's zone. None for what is no date between the years 1 and 9999.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from moorage.crm.metadata.formulas.arithmetic import operated, whole
from moorage.crm.metadata.times import zoned

Moment: TypeAlias = date | int

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = Decimal(60)
_MOST = 10**9  # Units that can be added to a time.
_MONTHS = {"YEAR": 12, "MONTH": 1}
_SECONDS = {"HOUR": 3600, "MIN": 60, "MINUTE": 60}
UNITS = (*_MONTHS, "DAY", *_SECONDS)
HALVES = ("AM", "PM")


def seconds(zone: ZoneInfo, moment: Moment) -> int | None:
    """The seconds since the epoch."""
    if isinstance(moment, int):
        return moment if _is_possible(moment) else None
    return _of_wall(zone, datetime(moment.year, moment.month, moment.day))  # noqa: DTZ001 - as the wall shows it


def day(zone: ZoneInfo, moment: Moment) -> date | None:
    if not isinstance(moment, int):
        return moment
    wall = _wall(zone, moment)
    return None if wall is None else wall.date()


def comparable(
    zone: ZoneInfo, left: Moment | None, right: Moment | None
) -> tuple[Moment | None, Moment | None]:
    """The two as they can be compared: both dates, or both times."""
    if left is None or right is None or isinstance(left, int) == isinstance(right, int):
        return left, right
    return seconds(zone, left), seconds(zone, right)


def moved(zone: ZoneInfo, moment: Moment, number: Decimal, unit: str) -> Moment | None:
    """The moment that many units later. A month later than the 31st is the last day of a shorter month.

    Years, months and days are counted as the wall shows them: a day later is the same hour, also where clocks change.
    """
    count = whole(number, _MOST)
    if count is None:
        return None
    if unit in _SECONDS:
        begin = seconds(zone, moment)
        later = None if begin is None else begin + count * _SECONDS[unit]
        return later if later is not None and _is_possible(later) else None
    wall = _wall(zone, moment) if isinstance(moment, int) else datetime.combine(moment, datetime.min.time())
    if wall is None:
        return None
    later_wall = _moved_wall(wall, count, unit)
    if later_wall is None:
        return None
    return _of_wall(zone, later_wall) if isinstance(moment, int) else later_wall.date()


def minutes_between(zone: ZoneInfo, left: Moment, right: Moment) -> Decimal | None:
    """How many minutes the left one is later."""
    first, second = seconds(zone, left), seconds(zone, right)
    return None if first is None or second is None else operated("/", Decimal(first - second), _MINUTE)


def new_moment(zone: ZoneInfo, *numbers: Decimal, half: str) -> Moment | None:
    """The time of a year, month, day, hour (0 to 12) and minute, before or after noon."""
    parts = [whole(number, 9999) for number in numbers]
    if any(part is None for part in parts):
        return None
    year, month, day_, hour, minute = (part or 0 for part in parts)
    if not 0 <= hour <= 12:
        return None
    try:
        wall = datetime(year, month, day_, hour % 12 + (12 if half == "PM" else 0), minute)  # noqa: DTZ001
    except ValueError:
        return None
    return _of_wall(zone, wall)


def part(zone: ZoneInfo, moment: Moment, name: str) -> Decimal | None:
    """The year, month, day, hour or minute, as the wall shows it."""
    wall = _wall(zone, moment) if isinstance(moment, int) else datetime.combine(moment, datetime.min.time())
    return None if wall is None else Decimal(getattr(wall, name))


def weekday(zone: ZoneInfo, moment: Moment) -> Decimal | None:
    """1 for a Sunday, 7 for a Saturday."""
    own = day(zone, moment)
    return None if own is None else Decimal(own.isoweekday() % 7 + 1)


def clock_time(zone: ZoneInfo, moment: Moment) -> str:
    """The time of day, such as `06:30 AM`."""
    hour, minute = part(zone, moment, "hour"), part(zone, moment, "minute")
    if hour is None or minute is None:
        return ""
    return f"{int(hour) % 12 or 12:02d}:{int(minute):02d} {'PM' if hour >= 12 else 'AM'}"


def from_timestamp(number: Decimal) -> Moment | None:
    count = whole(number, 10**12)
    return count if count is not None and _is_possible(count) else None


def written(zone: ZoneInfo, moment: Moment) -> str:
    """As the API shows it."""
    if isinstance(moment, int):
        return (zoned(zone, moment) or "") if _is_possible(moment) else ""
    return moment.isoformat()


def _moved_wall(wall: datetime, count: int, unit: str) -> datetime | None:
    try:
        if unit == "DAY":
            return wall + timedelta(days=count)
        year, month = divmod(wall.year * 12 + wall.month - 1 + count * _MONTHS[unit], 12)
        last = calendar.monthrange(year, month + 1)[1]
        return wall.replace(year=year, month=month + 1, day=min(wall.day, last))
    except (ValueError, OverflowError):
        return None


def _is_possible(moment: int) -> bool:
    try:
        _EPOCH + timedelta(seconds=moment)
    except OverflowError:
        return False
    return True


def _wall(zone: ZoneInfo, moment: int) -> datetime | None:
    """What a clock on the wall shows at a time."""
    try:
        return (_EPOCH + timedelta(seconds=moment)).astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return None


def _of_wall(zone: ZoneInfo, wall: datetime) -> int | None:
    try:
        return int((wall.replace(tzinfo=zone) - _EPOCH).total_seconds())
    except OverflowError:
        return None
