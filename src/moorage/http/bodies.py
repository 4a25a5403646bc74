"""Bodies of requests that are collected before they are answered: never too much of them, in memory or on disk."""

from dataclasses import dataclass

from moorage.http.errors import BodyTooLarge, TooBusy
from moorage.http.spool import Spool, SpooledBody

SMALL = 16 * 1024  # A body up to this size is taken whatever else is being collected.
IN_MEMORY = 1024 * 1024  # What has come of a body beyond this goes to disk, where its budget has a spool.
MAX_HELD = 256 * 1024 * 1024  # Of callers who are known, in the memory of one process.
MAX_HELD_OF_STRANGERS = 32 * 1024 * 1024


class Budget:
    """How many bytes of bodies may be held in memory at once, and how many are. Long bodies go to the `spool`."""

    __slots__ = ("held", "limit", "spool")

    def __init__(self, limit: int, spool: Spool | None = None) -> None:
        self.limit = limit
        self.spool = spool
        self.held = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a body may be, in bytes, and whose budget it is part of."""

    max_body: int
    budget: Budget

    def require(self, size: int) -> None:
        """Raises BodyTooLarge for a body of more bytes than are allowed."""
        if size > self.max_body:
            raise BodyTooLarge(f"The body is larger than {self.max_body} bytes.", help="Send a smaller one.")


class Body:
    """A body that is being collected. Its parts are joined as they come, so that a thousand of two bytes cost little.

    It counts against its budget for as long as it exists: whoever lets go of it need tell nobody.
    """

    __slots__ = ("_allowance", "_data", "_spooled", "size")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._data: bytes | bytearray = b""  # What is in memory.
        self._spooled: SpooledBody | None = None  # What came before that, on disk.
        self.size = 0

    def add(self, part: bytes) -> None:
        """Raises BodyTooLarge, and TooBusy when there is no room for more."""
        size, allowance = self.size + len(part), self._allowance
        budget = allowance.budget
        if size > allowance.max_body:
            allowance.require(size)
        if size > SMALL and budget.held + len(part) > budget.limit:
            raise TooBusy
        if not self._data:
            self._data = part
        else:
            if isinstance(self._data, bytes):
                self._data = bytearray(self._data)
            self._data += part
        self.size = size
        budget.held += len(part)

    def move(self, allowance: Allowance) -> None:
        """Be part of another budget from now on. Raises BodyTooLarge."""
        allowance.require(self.size)
        self._allowance.budget.held -= len(self._data)
        self._allowance = allowance
        allowance.budget.held += len(self._data)

    def is_due(self, *, complete: bool) -> bool:
        """Whether what is in memory has to go to disk, now that no more will come, or before more does."""
        if self._spooled is not None and complete:
            return len(self._data) > 0
        return len(self._data) > IN_MEMORY and not complete and self._allowance.budget.spool is not None

    async def spool(self) -> None:
        """Move to disk what is in memory. Raises TooBusy, and what the spool says of its disk."""
        budget = self._allowance.budget
        assert budget.spool is not None
        data, self._data = self._data, b""
        try:
            if self._spooled is None:
                self._spooled = SpooledBody(budget.spool, budget)
            await self._spooled.append(data)
        finally:
            budget.held -= len(data)

    def contents(self) -> bytes | SpooledBody:
        """What was collected, once nothing of it `is_due` any more."""
        if self._spooled is not None:
            return self._spooled
        data = self._data = bytes(self._data)
        return data

    def whole(self) -> bytes:
        """The same, of a body whose budget has no spool."""
        contents = self.contents()
        assert isinstance(contents, bytes)
        return contents

    def close(self) -> None:
        """Give back what is on disk, now rather than when the last who refers to it has gone."""
        if self._spooled is not None:
            self._spooled.close()

    def __del__(self) -> None:
        self._allowance.budget.held -= len(self._data)
