"""Connections to one organisation's SQLite file: how each is set up, and which thread may use which."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import apsw

from moorage.crm.store.contract import StoreClosed

T = TypeVar("T")

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",
    "PRAGMA mmap_size = 2147483648",
    "PRAGMA temp_store = MEMORY",
    # The default of 1,000 pages checkpoints so often that inserts lose a third of their speed (measured).
    "PRAGMA wal_autocheckpoint = 16000",
    # A restore passes through the log whole; afterwards it need not stay as large as the organisation.
    "PRAGMA journal_size_limit = 134217728",
)

BRIEF = 0.01  # Seconds that a query may take in the event loop; a page of 200 whole records takes a quarter of it.
_STEPS = 5_000  # Of SQLite's machine, between looks at the time: some 0.3 ms.


def connect(path: Path) -> apsw.Connection:
    """A connection set up as every one to an organisation's file is. The file has to be there."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200)
    connection.set_busy_timeout(10_000)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class OrganisationFile:
    """The file that is at a path now. Another process may delete it and put another organisation's in its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = self._found()

    def connect(self) -> apsw.Connection:
        """Raises StoreClosed when the file is gone, or is no longer the same."""
        try:
            connection = connect(self._path)
        except apsw.CantOpenError:
            if not self.is_gone():
                raise
            raise StoreClosed from None
        if self.is_gone():
            connection.close()
            raise StoreClosed
        return connection

    def is_gone(self) -> bool:
        """Whether the file is no longer there, or another has its place. A restore and a reset leave it as it is."""
        return self._found() != self._identity

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


class Reader:
    """The event loop's own connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._end: float | None = None
        connection.set_progress_handler(self._has_taken_long, _STEPS)

    def brief(self, query: Callable[[apsw.Connection], T]) -> T:
        """Raises apsw.InterruptError for a query that turns out to be a long one."""
        self._end = time.perf_counter() + BRIEF
        try:
            return query(self._connection)
        finally:
            self._end = None

    def whole(self, query: Callable[[apsw.Connection], T]) -> T:
        """For what is short for certain, such as a single record."""
        return query(self._connection)

    def close(self) -> None:
        self._connection.close()

    def _has_taken_long(self) -> bool:
        return self._end is not None and time.perf_counter() >= self._end


class AsideConnections:
    """Connections for the threads that run long queries; as many as ever ran at once."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def run(self, query: Callable[[apsw.Connection], T]) -> T:
        """Raises StoreClosed once they are closed."""
        connection = self._take()
        try:
            return query(connection)
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Queries that still run come to their end."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> apsw.Connection:
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: apsw.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()
