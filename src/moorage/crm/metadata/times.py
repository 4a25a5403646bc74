"""Times as Zoho writes them, and the offsets of an organisation's time zone."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400

# ISO 8601 allows more: fractions, times without seconds, offsets without a colon, week dates. Zoho refuses these.
_DATETIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}(Z|[+-]([01]\d|2[0-3]):\d{2})", re.ASCII
)


def instant(text: str) -> int | None:
    """Seconds since the epoch of a time as Zoho writes it: 2026-02-06T01:10:56-08:00 or 2026-02-06T09:10:56Z.

    None for every other form, and for a time that has no date in UTC.
    """
    if not _DATETIME.fullmatch(text):
        return None
    try:
        return math.floor(datetime.fromisoformat(text).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=100)
def offset_periods(zone: ZoneInfo, midnight: int) -> Sequence[tuple[int, int, int]]:
    """(start, end, offset in seconds) of the zone's periods from two years back to one ahead, newest first."""
    days = [midnight + n * _DAY for n in range(-730, 366)]
    periods, start, offset = [], days[0], _offset(zone, days[0])
    for day in days[1:]:
        if (changed := _offset(zone, day)) == offset:
            continue
        mark = _first_with(zone, changed, day - _DAY, day)
        periods.append((start, mark, offset))
        start, offset = mark, changed
    periods.append((start, days[-1], offset))
    return tuple(periods[::-1])


def _first_with(zone: ZoneInfo, offset: int, before: int, after: int) -> int:
    """The second between `before` and `after` from which the zone has the offset, found by halving."""
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(zone, middle) == offset else (middle, after)
    return after


def _offset(zone: ZoneInfo, timestamp: int) -> int:
    """The zone's offset in seconds, cut to whole minutes, because the API's form has no more."""
    offset = (_EPOCH + timedelta(seconds=timestamp)).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(minutes=1) * 60


def offset_text(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


@lru_cache(maxsize=1_000)
def zoned(zone: ZoneInfo, timestamp: int | None) -> str | None:
    """A time as the API writes it, if it has a date in UTC. The expressions of storages give the same text."""
    if timestamp is None:
        return None
    moment = _EPOCH + timedelta(seconds=timestamp)
    try:
        offset = _offset(zone, timestamp)
        shown = moment + timedelta(seconds=offset)
    except OverflowError:  # In this zone the time is before the first year, or after the last.
        offset, shown = 0, moment
    return shown.replace(tzinfo=None).isoformat() + offset_text(offset)
