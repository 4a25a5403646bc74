"""Durations in options, such as 90d."""

from datetime import timedelta

from moorage.cli.failures import UsageError
from moorage.http.timestamps import read_span

_LONGEST = timedelta(days=100 * 365)


def duration_in(option: str, text: str) -> timedelta:
    """The duration in a text such as 90d. Raises UsageError."""
    duration = timedelta() if text == "0" else read_span(text)
    if duration is None or duration > _LONGEST:
        raise UsageError(
            f"{option} can't be {text!r}", help="Use a number with s, m, h, d or w, such as 90d."
        )
    return duration
