"""The days that placeholders such as ${THISMONTH} or ${LAST_N_DAYS:5} mean on a given day.

Weeks begin on Sunday, and fiscal years in the month that the organisation says.
"""

import re
from datetime import date, timedelta

_PLACEHOLDER = re.compile(r"\$\{(\w+)(?::([0-9]{1,4}))?\}", re.ASCII)
_COUNTED = re.compile(r"(LAST|NEXT)_N_(DAY|WEEK|MONTH|YEAR)S")
_MONTHS: dict[str, int] = {"MONTH": 1, "YEAR": 12, "FISCAL QUARTER": 3, "FISCAL YEAR": 12}

_NAMED: dict[str, tuple[str, int]] = {
    "TODAY": ("DAY", 0),
    "TOMORROW": ("DAY", 1),
    "YESTERDAY": ("DAY", -1),
    "LASTWEEK": ("WEEK", -1),
    "THISWEEK": ("WEEK", 0),
    "NEXTWEEK": ("WEEK", 1),
    "LASTMONTH": ("MONTH", -1),
    "THISMONTH": ("MONTH", 0),
    "NEXTMONTH": ("MONTH", 1),
    "LASTYEAR": ("YEAR", -1),
    "THISYEAR": ("YEAR", 0),
    "NEXTYEAR": ("YEAR", 1),
    "PREVFQ": ("FISCAL QUARTER", -1),
    "THISFQ": ("FISCAL QUARTER", 0),
    "NEXTFQ": ("FISCAL QUARTER", 1),
    "PREVFY": ("FISCAL YEAR", -1),
    "THISFY": ("FISCAL YEAR", 0),
    "NEXTFY": ("FISCAL YEAR", 1),
}


def period(placeholder: str, today: date, fiscal_month: int) -> tuple[date, date] | None:
    """The first and the last day of a placeholder; None for other text, and for days outside the calendar.

    `fiscal_month`, from 1 to 12, is the first one of fiscal years.
    """
    match = _PLACEHOLDER.fullmatch(placeholder)
    if match is None:
        return None
    try:
        if match[2]:
            return _counted(match[1], int(match[2]), today)
        return _named(match[1], today, fiscal_month)
    except (ValueError, OverflowError):
        return None


def _named(name: str, today: date, fiscal_month: int) -> tuple[date, date] | None:
    if name == "TOMORROWPLUS":
        return today + timedelta(1), date.max
    if name == "YESTERDAYMINUS":
        return date.min, today - timedelta(1)
    if name not in _NAMED:
        return None
    unit, shift = _NAMED[name]
    return _start(unit, today, shift, fiscal_month), _end(unit, today, shift, fiscal_month)


def _counted(name: str, count: int, today: date) -> tuple[date, date] | None:
    """`count` whole periods before or after the current one, without the current one."""
    match = _COUNTED.fullmatch(name)
    if match is None or count == 0:
        return None
    unit = match[2]
    if match[1] == "LAST":
        return _start(unit, today, -count), _end(unit, today, -1)
    return _start(unit, today, 1), _end(unit, today, count)


def _start(unit: str, today: date, shift: int, fiscal_month: int = 1) -> date:
    """The first day of the period that lies `shift` periods after today's."""
    if unit == "DAY":
        return today + timedelta(shift)
    if unit == "WEEK":
        return today - timedelta(today.isoweekday() % 7) + timedelta(weeks=shift)
    length, before = _MONTHS[unit], fiscal_month - 1 if unit.startswith("FISCAL") else 0
    months = (today.year * 12 + today.month - 1 - before) // length * length + shift * length + before
    return date(months // 12, months % 12 + 1, 1)


def _end(unit: str, today: date, shift: int, fiscal_month: int = 1) -> date:
    return _start(unit, today, shift + 1, fiscal_month) - timedelta(1)
