"""A database that several processes share, and its transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError

from moorage.clock import Clock
from moorage.storage.backend import backend_of
from moorage.storage.connection import Connection
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.threads import ConnectionThreads
from moorage.storage.trouble import BUSY, tell, unusable

CONTROL = "The control database"
PATIENCE = 10.0  # Seconds.
READERS = 4  # Transactions that only read, at the same time.


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction. `now`, microseconds since the epoch, is when it began and its only idea of time."""

    connection: Connection
    now: int


class Database:
    """`what` names it in errors. Whoever waits for a transaction gives up after `patience` seconds.

    Those who write have a thread of their own, so that those who read never wait behind them. There is no thread
    before the first transaction: a process may fork until then (decision 0010).
    """

    def __init__(self, url: str, clock: Clock, *, what: str = CONTROL, patience: float = PATIENCE) -> None:
        self._what = what
        self._clock = clock
        self._backend = backend_of(url)
        self.patience = patience
        # One writes at a time in any case.
        self._writers = ConnectionThreads(self._backend.writing(), 1, "database-writing")
        self._readers = ConnectionThreads(self._backend.reading(), READERS, "database-reading")
        self._watch = self._backend.watch()
        # The version that `changed` saw last, None where it could not be asked.
        self._seen: int | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit at the end, or roll back when an exception passes through. Raises DatabaseUnusable.

        Transactions are serial, in all processes: no other transaction's work lies between a read and a write of this
        one, and nobody else begins before this one has ended. What has to hold between both may be read first and
        written later, without any other lock.
        """
        end = monotonic() + self.patience
        async with self._lent(self._writers) as connection:
            await connection.run(lambda opened: self._begin(opened, end - monotonic()))
            yield Transaction(connection, self._now())
            # Of a caller who goes meanwhile it is done nevertheless.
            await connection.run(sa.Connection.commit)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """The same for what only reads: it sees one moment, takes no lock of others' and waits for none.

        Raises DatabaseUnusable.
        """
        # It begins with its first statement, which saves a visit to the thread.
        async with self._lent(self._readers) as connection:
            yield Transaction(connection, self._now())

    @asynccontextmanager
    async def _lent(self, threads: ConnectionThreads) -> AsyncIterator[Connection]:
        """A connection, left without a transaction. Raises DatabaseUnusable for what is wrong with the database."""
        try:
            thread = await threads.take(self.patience)
        except TimeoutError as error:
            raise DatabaseUnusable(
                f"{self._what} can't be used: too many wait for it.", help=BUSY.fix, kind=BUSY.kind
            ) from error
        connection = Connection(thread)
        try:
            yield connection
        except DatabaseError as error:
            if isinstance(error, IntegrityError | ProgrammingError):
                raise  # The fault of a statement, not of the file.
            raise self._unusable(error) from error
        finally:
            connection.end()
            thread.roll_back()
            threads.give_back(thread)

    def _begin(self, connection: sa.Connection, seconds: float) -> None:
        self._backend.wait_at_most(connection, max(seconds, 0.001))
        connection.begin()

    def _now(self) -> int:
        return int(self._clock.timestamp() * 1_000_000)

    def _unusable(self, error: BaseException) -> DatabaseUnusable:
        trouble = unusable(self._what, error, self._backend.path)
        tell(self._what, trouble.kind, trouble)
        return trouble

    async def check(self) -> None:
        """Raises DatabaseUnusable when its tables can't be read."""
        async with self.reading() as tx:
            await tx.connection.exec_driver_sql("SELECT version_num FROM alembic_version")

    def version(self) -> int | None:
        """A number that another process, or a transaction of this one, changes; None if nobody knows."""
        return self._watch.version()

    def changed(self) -> bool | None:
        """Whether anybody may have changed the database since the last call; None if it can't be asked.

        The first call that can ask again says True, whatever happened meanwhile.
        """
        before, self._seen = self._seen, self.version()
        return None if self._seen is None else self._seen != before

    async def close(self) -> None:
        """It can be used again afterwards."""
        self._watch.close()
        await self._readers.close()
        await self._writers.close()
