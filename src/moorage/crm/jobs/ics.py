"""Events as a calendar in the form iCalendar (RFC 5545)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Moorage//CRM//EN\r\nCALSCALE:GREGORIAN\r\n"
TAIL = b"END:VCALENDAR\r\n"
# The fields of an event that its entry is made of.
FIELDS = (
    "Event_Title", "Start_DateTime", "End_DateTime", "All_day", "Venue", "Description", "Created_Time",
    "Modified_Time", "Owner",
)  # fmt: skip
_LINE = 75  # Octets of a line; the rest follows on lines that begin with a space.


def entry(event: dict[str, Any]) -> bytes:
    """The entry of an event, which is as the API shows it."""
    lines = ["BEGIN:VEVENT", *_properties(event), "END:VEVENT"]
    return b"".join(_folded(line) for line in lines)


def _properties(event: dict[str, Any]) -> Iterator[str]:
    yield f"UID:{event['id']}"
    for name, key in (
        ("DTSTAMP", "Modified_Time"),
        ("CREATED", "Created_Time"),
        ("LAST-MODIFIED", "Modified_Time"),
    ):
        if event.get(key):
            yield f"{name}:{_moment(event[key])}"
    yield from _times(event)
    for name, key in (("SUMMARY", "Event_Title"), ("LOCATION", "Venue"), ("DESCRIPTION", "Description")):
        if event.get(key):
            yield f"{name}:{_escaped(event[key])}"
    owner = event.get("Owner")
    if owner:
        name = owner["name"].replace('"', "")
        yield f'ORGANIZER;CN="{name}":mailto:{owner["email"]}'


def _times(event: dict[str, Any]) -> Iterator[str]:
    start, end = event.get("Start_DateTime"), event.get("End_DateTime")
    if start and event.get("All_day"):
        yield f"DTSTART;VALUE=DATE:{_day(start)}"
        if end:
            yield f"DTEND;VALUE=DATE:{_day(end, after=1)}"  # The end of a day is the next one.
        return
    if start:
        yield f"DTSTART:{_moment(start)}"
    if end:
        yield f"DTEND:{_moment(end)}"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _day(text: str, after: int = 0) -> str:
    return (date.fromisoformat(text[:10]) + timedelta(after)).strftime("%Y%m%d")


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> bytes:
    """A line, and lines that go on with it. No character is cut in two."""
    lines, length = [""], 0
    for character in line:
        size = len(character.encode())
        if length + size > _LINE:
            lines.append(" ")
            length = 1
        lines[-1] += character
        length += size
    return "\r\n".join([*lines, ""]).encode()
