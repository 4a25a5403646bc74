"""Durations in options, such as 90d."""

import re
from datetime import timedelta

from moorage.cli.failures import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=100 * 365)


def duration_in(option: str, text: str) -> timedelta:
    """The duration in a text such as 90d. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,6})([smhdw])|0", text, re.ASCII)
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match and match[1] else timedelta()
    if match is None or duration > _LONGEST:
        raise UsageError(
            f"{option} can't be {text!r}", help="Use a number with s, m, h, d or w, such as 90d."
        )
    return duration
