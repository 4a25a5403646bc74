"""Times in the form of the gateway's own API."""

from datetime import UTC, datetime


def wire_time(moment: datetime) -> str:
    """A time in UTC, such as 2025-12-08T07:20:53.488460Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wire_time_of(microseconds: int) -> str:
    """The same for a number of microseconds since the epoch."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return wire_time(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest))
