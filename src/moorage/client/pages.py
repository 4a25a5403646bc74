"""Lists that come in pages."""

from collections.abc import Callable, Iterator
from typing import Any


def pages(ask: Callable[[str | None], Any], cursor: str | None = None) -> Iterator[Any]:
    """Each page of a list. `ask` gives the one at a cursor, and is called when the page is needed."""
    while True:
        page = ask(cursor)
        yield page
        cursor = page.get("next_cursor")
        if cursor is None:
            return
