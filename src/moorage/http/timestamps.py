"""Times in the form of the gateway's own API."""

import re
from datetime import UTC, datetime, timedelta

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SPAN = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def wire_time(moment: datetime) -> str:
    """A time in UTC, such as 2025-12-08T07:20:53.488460Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wire_time_of(microseconds: int) -> str:
    """The same for a number of microseconds since the epoch."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return wire_time(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest))


def read_time(text: str) -> datetime | None:
    """The time in a text such as 2026-11-30T08:00:00Z, in UTC; None if it is none, or has no offset from UTC."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _TIME.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def read_span(text: str) -> timedelta | None:
    """The time that a text such as 90m or 7d says; None if it says none."""
    match = _SPAN.fullmatch(text)
    return None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})
