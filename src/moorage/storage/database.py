"""The engine of the control database and its transactions."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from moorage.clock import Clock
from moorage.storage.driver import connect
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import BUSY, tell, unusable

WHAT = "The control database"


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction. `now`, microseconds since the epoch, is when it began and its only idea of time."""

    connection: AsyncConnection
    now: int


class Database:
    """A SQLite file, shared with other processes. Everything in it belongs to an account."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._path = sqlite_path(url)
        self._clock = clock
        # Apart, so that those who read never wait for a connection behind those who wait to write.
        self._writing, self._reading = (
            create_async_engine(
                f"sqlite+aiosqlite:///{self._path}", async_creator=partial(connect, self._path)
            )
            for _ in "wr"
        )
        prepare(self._writing.sync_engine)
        _prepare_reading(self._reading.sync_engine)
        self._watch: sqlite3.Connection | None = None
        # The version that `changed` saw last, None where it could not be asked.
        self._seen: int | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit at the end, or roll back when an exception passes through. Raises DatabaseUnusable."""
        async with self._begun(self._writing) as transaction:
            yield transaction

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """The same for what only reads: it takes no lock of others' and waits for none. Raises DatabaseUnusable."""
        async with self._begun(self._reading) as transaction:
            yield transaction

    @asynccontextmanager
    async def _begun(self, engine: AsyncEngine) -> AsyncIterator[Transaction]:
        try:
            async with engine.begin() as connection:
                yield Transaction(connection, int(self._clock.timestamp() * 1_000_000))
        except DatabaseError as error:
            if isinstance(error, IntegrityError | ProgrammingError):
                raise  # The fault of a statement, not of the file.
            raise self._unusable(error) from error
        except NoConnection as error:
            raise DatabaseUnusable(
                f"{WHAT} can't be used: too many wait for it.", help=BUSY.fix, kind=BUSY.kind
            ) from error

    async def check(self) -> None:
        """Raises DatabaseUnusable when its tables can't be read."""
        async with self.reading() as tx:
            await tx.connection.exec_driver_sql("SELECT version_num FROM alembic_version")

    def version(self) -> int | None:
        """A number that another process, or a connection of this one, changes with each commit; None if nobody knows.

        Asked for in the event loop: it waits for no lock.
        """
        try:
            if self._watch is None:
                self._watch = sqlite3.connect(self._path, timeout=0)
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            if self._watch is not None:
                self._watch.close()
            self._watch = None
            return None

    def changed(self) -> bool | None:
        """Whether anybody may have changed the database since the last call; None if it can't be asked.

        The first call that can ask again says True, whatever happened meanwhile.
        """
        before, self._seen = self._seen, self.version()
        return None if self._seen is None else self._seen != before

    def _unusable(self, error: BaseException) -> DatabaseUnusable:
        trouble = unusable(WHAT, error, self._path)
        tell(WHAT, trouble.kind, trouble)
        return trouble

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        await self._reading.dispose()
        await self._writing.dispose()


def sqlite_path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def prepare(engine: Engine) -> None:
    """Let an engine hold real transactions, schema changes included."""
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)


def _set_up(connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (see _begin), so the driver has to keep out of it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_reading(engine: Engine) -> None:
    event.listen(engine, "connect", _set_up_reading)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))


def _set_up_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers don't wait for writers, but for what holds the whole file, such as its repair after a crash.
    for pragma in ("query_only = ON", "busy_timeout = 2000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    # A transaction that reads first and writes later could fail half-way when another process writes between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
