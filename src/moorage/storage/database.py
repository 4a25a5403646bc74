"""The engine of the control database and its transactions."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from moorage.clock import Clock
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import tell, unusable

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
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{self._path}")
        prepare(self._engine.sync_engine)
        self._watch: sqlite3.Connection | None = None
        self._version = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit at the end, or roll back when an exception passes through. Raises DatabaseUnusable."""
        try:
            async with self._engine.begin() as connection:
                yield Transaction(connection, int(self._clock.timestamp() * 1_000_000))
        except DatabaseError as error:
            if isinstance(error, IntegrityError | ProgrammingError):
                raise  # The fault of a statement, not of the file.
            raise self._unusable(error) from error

    async def check(self) -> None:
        """Raises DatabaseUnusable when its tables can't be read."""
        async with self.transaction() as tx:
            await tx.connection.exec_driver_sql("SELECT version_num FROM alembic_version")

    def changed(self) -> bool:
        """Whether anybody, this process or another, may have changed the database since the last call."""
        try:
            if self._watch is None:
                self._watch = sqlite3.connect(self._path)
            before, self._version = self._version, self._watch.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return True  # What can't be asked can't be relied on.
        return self._version != before

    def _unusable(self, error: BaseException) -> DatabaseUnusable:
        trouble = unusable(WHAT, error, self._path)
        tell(WHAT, trouble.kind, trouble)
        return trouble

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        await self._engine.dispose()


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


def _begin(connection: Any) -> None:
    # A transaction that reads first and writes later could fail half-way when another process writes between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
