"""aiosqlite with one visit to the connection's thread for a statement, where it makes four.

After each visit whoever waits has to wait for the event loop to come round again. With many clients that takes a while,
so what counts for a call is the number of its visits.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.context import contextmanager


async def connect(path: Path) -> "Connection":
    connection = Connection(path)
    await connection
    return connection


class Connection(aiosqlite.Connection):
    """SQLAlchemy awaits the cursor, the statement, its rows and the cursor's end one by one; see `Cursor`."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=64)
        self._thread.daemon = True  # A process that is to end does not wait for it.
        self._is_settled = True  # Whether the last statement was seen to end well.

    @contextmanager
    async def cursor(self) -> "Cursor":  # type: ignore[override]
        return Cursor(self)

    async def rollback(self) -> None:
        """Of no transaction, as after each commit, there is nothing to roll back.

        A statement whose caller has gone may still be about to begin one.
        """
        if self.in_transaction or not self._is_settled:
            await super().rollback()
            self._is_settled = True

    async def run(self, cursor: "Cursor", method: str, sql: str, parameters: Iterable[Any]) -> None:
        """Run a statement for a cursor, to its end."""
        self._is_settled = False
        await self._execute(self._run, cursor, method, sql, parameters)  # type: ignore[no-untyped-call]
        self._is_settled = True

    def _run(self, cursor: "Cursor", method: str, sql: str, parameters: Iterable[Any]) -> None:
        ran: sqlite3.Cursor = getattr(self._conn, method)(sql, parameters)
        cursor.description = ran.description
        cursor.rows = ran.fetchall() if ran.description else []
        cursor.rowcount, cursor.lastrowid = ran.rowcount, ran.lastrowid
        ran.close()


class Cursor:
    """Has taken all that its statement gives by the time that the statement has run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.description: Any = None
        self.rows: list[Any] = []
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> "Cursor":
        await self._connection.run(self, "execute", sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        await self._connection.run(self, "executemany", sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        return self.rows

    async def close(self) -> None:
        """It is closed already."""
