"""A database that several processes share, and its transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError

from moorage.clock import Clock
from moorage.storage.backend import CONTROL_SCHEMA, QUIET, backend_of
from moorage.storage.connection import Connection
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.threads import ConnectionThreads
from moorage.storage.trouble import log_trouble, trouble_of, unusable
from moorage.storage.trouble_kinds import BUSY

CONTROL = "The control database"
PATIENCE = 10.0  # Seconds.
READERS = 4  # Reading transactions at the same time.


class Transaction(msgspec.Struct, frozen=True):
    """An open transaction. `now` is the time of its beginning, in microseconds since the epoch.

    All times that a transaction writes or compares are this one.
    """

    connection: Connection
    now: int


class Database:
    """`what` is the database's name in errors. A wait for a transaction ends with an error after `patience` seconds.

    `schema` has its tables, if it is of a kind that has schemas. `readers` transactions can read at the same time.
    Writing transactions have their own thread, so that reading ones never wait for them. The threads start with the
    first transaction. Until then the process may fork (decision 0010).
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        what: str = CONTROL,
        patience: float = PATIENCE,
        schema: str = CONTROL_SCHEMA,
        readers: int = READERS,
    ) -> None:
        self._what = what
        self._clock = clock
        self._backend = backend = backend_of(url, schema)
        self.patience = patience
        # One thread is enough, because writing transactions are serial.
        self._writers = ConnectionThreads(backend.writing(), backend.has_ended, 1, "database-writing")
        self._readers = ConnectionThreads(backend.reading(), backend.has_ended, readers, "database-reading")
        self._watch = backend.watch()
        # The version at the last call of `changed`; None if it could not be read then.
        self._last_version: int | None = None

    @asynccontextmanager
    async def transaction(self, *, quiet: bool = False) -> AsyncIterator[Transaction]:
        """Commit at the end, or roll back after an exception. Raises DatabaseUnusable.

        Transactions are serial, across all processes: no other writing transaction begins before this one has ended. So
        nothing changes between a read and a later write of this transaction, and no other lock is needed.

        A quiet transaction changes nothing that a process remembers, and `changed` passes over it. It is for what is
        written several times a second: if each of these commits were noticed, no process would remember anything.
        """
        end = monotonic() + self.patience
        async with self._lent(self._writers) as connection:
            await connection.run(lambda opened: self._begin(opened, end - monotonic(), quiet=quiet))
            yield Transaction(connection, self._now())
            # The thread commits even if the caller is cancelled while it waits.
            await connection.run(self._commit)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A transaction that only reads. It sees the database at one moment, and waits for no writing transaction.

        Raises DatabaseUnusable.
        """
        # The first statement begins the transaction, which saves one wait for the thread.
        async with self._lent(self._readers) as connection:
            yield Transaction(connection, self._now())

    @asynccontextmanager
    async def _lent(self, threads: ConnectionThreads) -> AsyncIterator[Connection]:
        """A connection. Rolls back at the end what is not committed. Raises DatabaseUnusable for its errors."""
        try:
            thread = await threads.take(self.patience)
        except TimeoutError as error:
            raise DatabaseUnusable(
                f"{self._what} can't be used: too many calls wait for it.",
                help=BUSY.fix,
                kind=BUSY.kind,
                retry_after=BUSY.retry_after,
            ) from error
        connection = Connection(thread)
        try:
            yield connection
        except DatabaseError as error:
            is_of_statement = isinstance(error, IntegrityError | ProgrammingError | DataError)
            if is_of_statement and trouble_of(error) is None:
                raise
            raise self._unusable(error) from error
        finally:
            connection.end()
            thread.roll_back()
            threads.give_back(thread)

    def _begin(self, connection: sa.Connection, seconds: float, *, quiet: bool) -> None:
        self._backend.wait_at_most(connection, max(seconds, 0.001))
        connection.info[QUIET] = quiet
        connection.begin()

    def _commit(self, connection: sa.Connection) -> None:
        connection.commit()
        self._watch.note(connection)

    def _now(self) -> int:
        return int(self._clock.timestamp() * 1_000_000)

    def _unusable(self, error: BaseException) -> DatabaseUnusable:
        trouble = unusable(self._what, error, self._backend.path)
        log_trouble(self._what, trouble.kind, trouble)
        return trouble

    async def check(self) -> None:
        """Raises DatabaseUnusable if the tables can't be read."""
        async with self.reading() as tx:
            await tx.connection.exec_driver_sql("SELECT version_num FROM alembic_version")

    def version(self) -> int | None:
        """A number that changes with each commit of any process but those of quiet transactions.

        None if it can't be read.
        """
        return self._watch.version()

    async def latest_version(self) -> int | None:
        """The version of a moment after this call has begun; None if it can't be read.

        `version` may be a quarter of a second older.
        """
        return await self._watch.latest()

    def changed(self) -> bool | None:
        """True if the database may have changed since the last call; None if that can't be read.

        After a None, the next call that can read it returns True, because changes may have been missed.
        """
        before, self._last_version = self._last_version, self.version()
        return None if self._last_version is None else self._last_version != before

    async def close(self) -> None:
        """Close all connections. The next transaction opens them again."""
        self._watch.close()
        await self._readers.close()
        await self._writers.close()
