"""Bodies that are collected before they are answered: in one piece, however small the parts, and never too much."""

from dataclasses import dataclass

from moorage.http.errors import TooBusy

SMALL = 16 * 1024  # A body up to this size is taken whatever else is being collected.
MAX_HELD = 256 * 1024 * 1024  # Of callers who are known, in one process.
MAX_HELD_OF_STRANGERS = 32 * 1024 * 1024


class Budget:
    """How many bytes of bodies may be held at once, and how many are."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a body may be, in bytes, and whose budget it is part of."""

    max_body: int
    budget: Budget


class Body:
    """A body that is being collected. Its parts are joined as they come, so that a thousand of two bytes cost little.

    It counts against its budget for as long as it exists: whoever lets go of it need tell nobody.
    """

    __slots__ = ("_budget", "_data", "size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._data: bytes | bytearray = b""
        self.size = 0

    def add(self, part: bytes) -> None:
        """Raises TooBusy when there is no room for more."""
        size, budget = self.size + len(part), self._budget
        if size > SMALL and budget.held + len(part) > budget.limit:
            raise TooBusy
        if not self.size:
            self._data = part
        else:
            if isinstance(self._data, bytes):
                self._data = bytearray(self._data)
            self._data += part
        self.size = size
        budget.held += len(part)

    def move(self, budget: Budget) -> None:
        """Count against another budget from now on."""
        self._budget.held -= self.size
        self._budget = budget
        budget.held += self.size

    def whole(self) -> bytes:
        """What was collected."""
        data = self._data = bytes(self._data)
        return data

    def __del__(self) -> None:
        self._budget.held -= self.size
