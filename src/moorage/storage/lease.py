"""A lock by name in a PostgreSQL database, for work that takes long, such as that on whole organisations.

It is a row with an end, which its holder moves on as long as it works. If the holder dies, others wait until that end.
No transaction stays open meanwhile: one that did would keep PostgreSQL from cleaning up and from beginning a
replication, and a pooler would have to lend its connection for all that time.
"""

import asyncio
import contextlib
import threading
import uuid
from typing import Any, Self

import psycopg

from moorage.storage.errors import DatabaseUnusable
from moorage.storage.postgresql import NAME, Postgresql, has_message
from moorage.storage.trouble import unusable

LASTS = 15  # Seconds, by the clock of the database.
_RENEWED = 3.0  # Seconds between two renewals. A few of them may fail.
_PAUSE = 0.2  # Seconds between two tries to get the lease.


class KeptConnection:
    """The connection that a lease leaves for the next one, because it takes milliseconds to open one."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def take(self) -> psycopg.Connection[Any] | None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None and (connection.closed or has_message(connection.fileno())):
            connection.close()
            return None
        return connection

    def leave(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            if self._connection is None and not self._closed:
                self._connection = connection
                return
        connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()


class Lease:
    """An asynchronous context manager, for one use. The schema must have been made. Raises DatabaseUnusable."""

    def __init__(self, url: str, schema: str, name: str, kept: KeptConnection | None = None) -> None:
        self._kept = kept
        self._connect = Postgresql(url, schema).connector("holding")
        self._table = f'"{schema}".leases'
        self._name = name
        self._owner = uuid.uuid4().hex
        self._connection: psycopg.Connection[Any] | None = None
        self._stop = threading.Event()
        self._is_lost = False
        self._ended: asyncio.Future[None] | None = None

    def require_held(self) -> None:
        """Raises DatabaseUnusable if the lease has ended, because the database could not be reached for too long."""
        if self._is_lost:
            raise DatabaseUnusable(
                f"{NAME} could not be reached for {LASTS} seconds, so another process may do the same work now.",
                help="Repeat the call.",
                kind="busy",
            )

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        held: asyncio.Future[None] = loop.create_future()
        self._ended = loop.create_future()
        # A daemon, so that the end of the process does not wait for it.
        threading.Thread(target=self._run, args=(loop, held, self._ended), name="lease", daemon=True).start()
        try:
            await held
        except BaseException:
            self._stop.set()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        assert self._ended is not None
        await asyncio.shield(self._ended)

    def _run(
        self, loop: asyncio.AbstractEventLoop, held: "asyncio.Future[None]", ended: "asyncio.Future[None]"
    ) -> None:
        try:
            self._take()
        except psycopg.Error as error:
            _tell(loop, held, unusable(NAME, error))
        else:
            _tell(loop, held)
            self._hold()
        self._leave()
        _tell(loop, ended)

    def _take(self) -> None:
        while not self._stop.is_set():
            row = self._execute(
                f"INSERT INTO {self._table} AS lease VALUES (%s, %s, clock_timestamp() + %s * interval '1 second')"
                " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends_at = excluded.ends_at"
                " WHERE lease.ends_at < clock_timestamp() RETURNING name",
                (self._name, self._owner, LASTS),
            )
            if row is not None:
                return
            self._stop.wait(_PAUSE)

    def _hold(self) -> None:
        own = "WHERE name = %s AND owner = %s RETURNING name"
        while not self._stop.wait(_RENEWED):
            renewal = f"UPDATE {self._table} SET ends_at = clock_timestamp() + %s * interval '1 second' {own}"
            with contextlib.suppress(psycopg.Error):
                self._is_lost |= self._execute(renewal, (LASTS, self._name, self._owner)) is None
        with contextlib.suppress(psycopg.Error):
            self._execute(f"DELETE FROM {self._table} {own}", (self._name, self._owner))

    def _execute(self, sql: str, values: tuple[Any, ...]) -> Any:
        try:
            if self._connection is None:
                kept = None if self._kept is None else self._kept.take()
                self._connection = kept or self._connect()
            return self._connection.execute(sql, values).fetchone()
        except psycopg.Error:
            self._disconnect()
            raise

    def _leave(self) -> None:
        connection = self._connection
        if self._kept is None or connection is None:
            self._disconnect()
        else:
            self._kept.leave(connection)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()


def _tell(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]", error: Exception | None = None
) -> None:
    with contextlib.suppress(RuntimeError):  # The loop may have been closed.
        loop.call_soon_threadsafe(_settle, future, error)


def _settle(future: "asyncio.Future[None]", error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
