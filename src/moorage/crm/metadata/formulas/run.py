"""One working-out of a formula."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

MOST_CHARACTERS = 1_000_000  # That the functions of one formula may read and write, all together.
MOST_POWERS = 50  # And logarithms: one takes as long as twenty thousand characters.


class TooMuch(Exception):
    """A formula would take too long. It gives nothing then."""


class Run:
    """`row` is the record, by columns; `now` is in seconds since the epoch."""

    __slots__ = ("_left", "now", "row", "zone")

    def __init__(self, row: Mapping[str, Any], zone: ZoneInfo, now: int) -> None:
        self.row = row
        self.zone = zone
        self.now = now
        self._left = MOST_CHARACTERS

    def spend(self, characters: int) -> None:
        """To be called before a function works on that much text. Raises TooMuch."""
        self._left -= characters
        if self._left < 0:
            raise TooMuch

    def spend_on_power(self) -> None:
        """To be called before a power or a logarithm. Raises TooMuch."""
        self.spend(MOST_CHARACTERS // MOST_POWERS)
