"""Times in the form of the gateway's own API."""

from datetime import datetime


def wire_time(moment: datetime) -> str:
    """A time in UTC, such as 2025-12-08T07:20:53.488460Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
