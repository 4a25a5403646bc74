"""The values of conditions, from text to the values of columns. None means that the text is no such value."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.ids import MAX_ID
from moorage.crm.metadata.times import instant
from moorage.crm.query.tree import Scalar

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_REAL = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d{2}:\d{2}$)", re.ASCII)

EXPECTED = {
    "id": "Long",
    "integer": "Integer",
    "bigint": "Long",
    "real": "Double",
    "date": "date",
    "datetime": "datetime",
    "boolean": "Boolean",
}


class Span(msgspec.Struct, frozen=True):
    """The values from `first` to `last`, both included: one value, or all times of a day or more."""

    first: Scalar
    last: Scalar


def span(storage: str, text: str, zone: ZoneInfo) -> Span | None:
    """A value of a storage that has an order. For times, a date means the whole day in the zone."""
    if storage == "datetime":
        return _times(text, zone)
    value = _SCALARS[storage](text)
    return None if value is None else Span(value, value)


def days(storage: str, first: date, last: date, zone: ZoneInfo) -> Span:
    """The days from first to last as values of a date or a datetime column."""
    if storage == "date":
        return Span(first.isoformat(), last.isoformat())
    start = datetime.combine(first, time(), zone)
    # If a clock that is set back shows the last second twice, the later one counts.
    end = datetime.combine(last, time(23, 59, 59), zone).replace(fold=1)
    return Span(int(start.timestamp()), int(end.timestamp()))


def boolean(text: str) -> int | None:
    return {"true": 1, "false": 0}.get(text.lower())


def integer(text: str) -> int | None:
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and -MAX_ID - 1 <= value <= MAX_ID else None


def _real(text: str) -> float | None:
    value = float(text) if _REAL.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _date(text: str) -> str | None:
    day = _day(text)
    return None if day is None else day.isoformat()


def _times(text: str, zone: ZoneInfo) -> Span | None:
    day = _day(text)
    if day is not None:
        return days("datetime", day, day, zone)
    # A plus sign that was not percent-encoded arrives as a space.
    moment = instant(_LOST_PLUS.sub("+", text))
    return None if moment is None else Span(moment, moment)


_SCALARS: dict[str, Callable[[str], Scalar | None]] = {
    "id": integer,
    "integer": integer,
    "bigint": integer,
    "real": _real,
    "date": _date,
}
