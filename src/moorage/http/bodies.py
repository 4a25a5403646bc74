"""Collects the bodies of requests, in memory or on disk, within limits."""

from typing import TypeAlias

import msgspec

from moorage.http.errors import BodyTooLarge, TooBusy
from moorage.http.message import Response
from moorage.http.spool import Spool, SpooledBody

SMALL = 16 * 1024  # A body up to this size is accepted even if the budget is used up.
IN_MEMORY = 1024 * 1024  # A longer body goes to disk if its budget has a spool.
MAX_HELD = 256 * 1024 * 1024  # Bytes of bodies of authenticated callers, in the memory of one process.
MAX_HELD_OF_STRANGERS = 32 * 1024 * 1024  # Bytes of bodies of all other callers.


class Budget:
    """`limit` bytes of bodies may be in memory at once, and `held` bytes are. Long bodies go to the `spool`."""

    __slots__ = ("held", "limit", "spool")

    def __init__(self, limit: int, spool: Spool | None = None) -> None:
        self.limit = limit
        self.spool = spool
        self.held = 0


class Allowance(msgspec.Struct, frozen=True):
    """The longest body that is allowed, in bytes, and the budget that it counts against."""

    max_body: int
    budget: Budget

    def require(self, size: int) -> None:
        """Raises BodyTooLarge if a body of `size` bytes is not allowed."""
        if size > self.max_body:
            raise BodyTooLarge(f"The body is larger than {self.max_body} bytes.", help="Send a smaller body.")


# How long the body of a request may be, or a response that refuses the request, so that the client need not send it.
Admission: TypeAlias = Allowance | Response


class Body:
    """A body that is being collected. It joins its parts as they arrive, so that many tiny parts take little memory.

    It counts against its budget until it is garbage-collected.
    """

    __slots__ = ("_allowance", "_data", "_spooled", "size")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._data: bytes | bytearray = b""  # The part in memory.
        self._spooled: SpooledBody | None = None  # The part before it, on disk.
        self.size = 0

    def add(self, part: bytes) -> None:
        """Add a part. Raises BodyTooLarge, and TooBusy if the budget is used up."""
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
        """Count against another budget from now on. Raises BodyTooLarge."""
        allowance.require(self.size)
        self._allowance.budget.held -= len(self._data)
        self._allowance = allowance
        allowance.budget.held += len(self._data)

    def must_spool(self, *, complete: bool) -> bool:
        """True if the part in memory has to go to disk now. `complete` says if the whole body has arrived."""
        if self._spooled is not None and complete:
            return len(self._data) > 0
        return len(self._data) > IN_MEMORY and not complete and self._allowance.budget.spool is not None

    async def spool(self) -> None:
        """Move the part in memory to disk. Raises TooBusy, and the spool's errors of the disk."""
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
        """The collected body. Call it only after `must_spool` has returned False."""
        if self._spooled is not None:
            return self._spooled
        data = self._data = bytes(self._data)
        return data

    def whole(self) -> bytes:
        """The collected body, if its budget has no spool."""
        contents = self.contents()
        assert isinstance(contents, bytes)
        return contents

    def close(self) -> None:
        """Free the space on disk now, and not only when the object is garbage-collected."""
        if self._spooled is not None:
            self._spooled.close()

    def __del__(self) -> None:
        self._allowance.budget.held -= len(self._data)
