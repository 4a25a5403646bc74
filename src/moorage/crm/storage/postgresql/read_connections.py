"""The connections for reads in one event loop: an organisation keeps to a few of them, and callers wait in turn."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from zlib import crc32

from psycopg import AsyncConnection

from moorage.crm.storage.contract.records import TookTooLong
from moorage.crm.storage.postgresql.reader import Reader, Rows
from moorage.crm.storage.postgresql.session import READ_SECONDS, Life
from moorage.crm.storage.postgresql.trouble import database_trouble

# Places of one organisation. A server's process keeps in memory what it has met: 50 to 90 KB for a table with its
# indexes. So no process meets all organisations, and an organisation that is hardly used has one connection.
SPREAD = 4


class _Place:
    """Room for one connection."""

    __slots__ = ("index", "is_lent", "life", "reader")

    def __init__(self, index: int) -> None:
        self.index = index
        self.is_lent = False
        self.reader: Reader | None = None
        self.life = Life()

    def drop(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class ReadConnections:
    """`open_connection` opens one; there are `count` at most."""

    def __init__(self, open_connection: Callable[[], Awaitable[AsyncConnection]], count: int) -> None:
        self._open = open_connection
        self._places = [_Place(index) for index in range(count)]
        self._waiting: deque[tuple[asyncio.Future[_Place], range]] = deque()
        self._count = count

    async def fetch(self, schema: str, sql: str, params: Sequence[Any], *, slow: bool) -> Rows:
        """The rows of a statement. See `PostgresqlServer.fetch`."""
        places = self._places_of(schema, slow=slow)
        with database_trouble():
            try:
                place = self._take(places) or await self._wait(places)
                try:
                    reader = place.reader
                    if reader is None or place.life.is_over() or not reader.is_usable():
                        reader = await self._open_reader(place)
                    return await reader.fetch(sql, params)
                finally:
                    self._give_back(place)
            except TimeoutError:
                raise TookTooLong from None

    def close(self) -> None:
        for place in self._places:
            place.drop()

    async def _open_reader(self, place: _Place) -> Reader:
        place.drop()
        place.reader, place.life = Reader(await self._opened(), READ_SECONDS + 1), Life()
        return place.reader

    async def _opened(self) -> AsyncConnection:
        try:
            return await self._open()
        except Exception as error:
            # Whoever waits for a connection would only learn the same, one after the other.
            while self._waiting:
                future, _ = self._waiting.popleft()
                if not future.done():
                    future.set_exception(error)
            raise

    def _take(self, places: range) -> _Place | None:
        for index in places:
            place = self._places[index % self._count]
            if not place.is_lent:
                place.is_lent = True
                return place
        return None

    async def _wait(self, places: range) -> _Place:
        """Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Place] = loop.create_future()
        self._waiting.append((future, places))
        timer = loop.call_later(READ_SECONDS, _give_up, future)  # A quarter of the work of `asyncio.timeout`.
        try:
            return await future
        except (asyncio.CancelledError, TimeoutError):
            if future.done() and not future.cancelled() and future.exception() is None:
                self._give_back(future.result())
            elif (future, places) in self._waiting:
                self._waiting.remove((future, places))
            raise
        finally:
            timer.cancel()

    def _places_of(self, schema: str, *, slow: bool) -> range:
        """The places that a read may use, the best first; slow ones leave half of them to the others."""
        first, spread = crc32(schema.encode()) % self._count, min(SPREAD, self._count)
        return range(first + (spread // 2 if slow else 0), first + spread)

    def _give_back(self, place: _Place) -> None:
        for position, (future, places) in enumerate(self._waiting):
            if not future.done() and (place.index in places or place.index + self._count in places):
                del self._waiting[position]
                future.set_result(place)
                return
        place.is_lent = False


def _give_up(waiting: asyncio.Future[_Place]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
