"""Reads server-sent events [HTML Standard, 9.2]."""

import json
from collections.abc import Iterable, Iterator
from typing import Any


def events(lines: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    """The events in a stream of lines: the name and the JSON of each. What is not complete is left out."""
    name, data = "message", ""
    for line in lines:
        if line.startswith(b":"):
            continue  # A comment, which only keeps the connection open.
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not field and not value:
            if data:
                yield name, json.loads(data)
            name, data = "message", ""
