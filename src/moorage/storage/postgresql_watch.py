"""Reads the number of the turn again and again, in a thread of its own, so that the event loop never waits for it."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa

INTERVAL = 0.25  # Seconds between two looks.
_VALID = 3.0  # Seconds. An older number is not used: the thread waits for a server that does not answer.
_PATIENCE = 3.0  # Seconds that `latest` waits for a server.


class PostgresqlWatch:
    """Implements `Watch`. The thread starts with the first question. Until then the process may fork (decision 0010).

    `sql` gives one number.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], sql: str) -> None:
        self._connect = connect
        self._sql = sql
        self._looking: _Looking | None = None

    def version(self) -> int | None:
        return self._started().version()

    async def latest(self) -> int | None:
        """See `Watch`. Callers at the same time share one look."""
        looking, loop = self._started(), asyncio.get_running_loop()
        seen: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # The loop may have been closed.
                loop.call_soon_threadsafe(_settle, seen)

        looking.look_soon(tell)
        try:
            async with asyncio.timeout(_PATIENCE):
                await seen
        except TimeoutError:
            return None
        return looking.version()

    def note(self, connection: sa.Connection) -> None:
        if self._looking is not None:
            self._looking.note(connection.info["turn"])

    def close(self) -> None:
        if self._looking is not None:
            self._looking.stop()
        self._looking = None

    def _started(self) -> "_Looking":
        if self._looking is None:
            self._looking = _Looking(self._connect, self._sql)
        return self._looking


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class _Looking:
    """The thread and what it has seen."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], sql: str) -> None:
        self._connect = connect
        self._sql = sql
        self._connection: psycopg.Connection[Any] | None = None
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._is_stopped = False
        self._seen: tuple[float, int] | None = None  # When the last look began, and the number.
        self._waiting: list[Callable[[], None]] = []
        # A daemon, so that the end of the process does not wait for it.
        threading.Thread(target=self._run, name="database-watching", daemon=True).start()

    def version(self) -> int | None:
        seen = self._seen
        if seen is None or time.monotonic() - seen[0] > _VALID:
            return None
        return seen[1]

    def look_soon(self, tell: Callable[[], None]) -> None:
        """Look now, and call `tell` after a look that began later than this call."""
        with self._guard:
            self._waiting.append(tell)
        self._wake.set()

    def note(self, number: int) -> None:
        with self._guard:
            self._seen = time.monotonic(), number

    def stop(self) -> None:
        self._is_stopped = True
        self._wake.set()

    def _run(self) -> None:
        while not self._is_stopped:
            with self._guard:
                told, self._waiting = self._waiting, []
            self._look()
            for tell in told:
                tell()
            self._wake.wait(INTERVAL)
            self._wake.clear()
        self._disconnect()
        with self._guard:
            told, self._waiting = self._waiting, []
        for tell in told:
            tell()

    def _look(self) -> None:
        begun = time.monotonic()
        try:
            if self._connection is None:
                self._connection = self._connect()
            row = self._connection.execute(self._sql).fetchone()
        except psycopg.Error:
            self._disconnect()
            row = None
        with self._guard:
            # A number that was noted meanwhile is newer.
            if self._seen is None or self._seen[0] <= begun:
                self._seen = None if row is None else (begun, row[0])

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()
