"""Connections to one organisation's SQLite file: how they are set up, and which thread may use which of them."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from moorage.crm.storage.contract.records import StoreClosed, TookTooLong
from moorage.crm.storage.sqlite import aggregates, fulltext
from moorage.crm.storage.sqlite.trouble import translated

T = TypeVar("T")

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",
    "PRAGMA mmap_size = 2147483648",
    "PRAGMA temp_store = MEMORY",
    # The default of 1,000 pages checkpoints so often that inserts lose a third of their speed (measured).
    "PRAGMA wal_autocheckpoint = 16000",
    # A restore writes the whole organisation through the log, which then need not stay so large.
    "PRAGMA journal_size_limit = 134217728",
)

LOOP_SECONDS = 0.01  # For a read in the event loop; a page of 200 records takes a quarter of it.
THREAD_SECONDS = 30.0  # For a read in a thread, with the wait for its turn.
STEPS = 5_000  # Instructions of SQLite between two checks of the time: some 0.3 ms.


def connect(path: Path) -> apsw.Connection:
    """A connection to an organisation's file, which has to exist."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200)
    connection.set_busy_timeout(10_000)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    fulltext.add_functions(connection)
    aggregates.add_functions(connection)
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
    """The file that is at a path now. Another process may delete it, and put another organisation's file there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = self._current()

    def connect(self, open_file: Callable[[Path], apsw.Connection] | None = None) -> apsw.Connection:
        """Raises StoreClosed if the file is gone, or another one is in its place."""
        try:
            connection = (open_file or connect)(self.path)
        except apsw.CantOpenError:
            if not self.is_gone():
                raise
            raise StoreClosed from None
        if self.is_gone():
            connection.close()
            raise StoreClosed
        return connection

    def is_gone(self) -> bool:
        """Whether the file is gone, or another one is in its place. A restore and a reset keep the file."""
        return self._current() != self._identity

    def _current(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


class Deadline:
    """The time at which a read is given up. Any thread may end the read before."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    def call_off(self) -> None:
        self._end = 0.0


class Reader:
    """A connection whose reads can have a deadline. When `stopped` says so, reads with a deadline end at once."""

    def __init__(self, connection: apsw.Connection, stopped: Callable[[], bool] = lambda: False) -> None:
        self._connection = connection
        self._stopped = stopped
        self._deadline: Deadline | None = None
        connection.set_progress_handler(self._is_over, STEPS)

    def brief(self, query: Callable[[apsw.Connection], T]) -> T:
        """Run a query in the event loop. Raises TookTooLong if it is not done in `LOOP_SECONDS`, DatabaseUnusable."""
        try:
            return self.until(Deadline(LOOP_SECONDS), query)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise translated(error) from None

    def until(self, deadline: Deadline, query: Callable[[apsw.Connection], T]) -> T:
        """Run a query. Raises TookTooLong at the deadline."""
        self._deadline = deadline
        try:
            return query(self._connection)
        except apsw.InterruptError:
            raise TookTooLong from None
        finally:
            self._deadline = None

    def whole(self, query: Callable[[apsw.Connection], T]) -> T:
        """Run a query without a deadline: one that is always short, such as the read of one record.

        Raises DatabaseUnusable.
        """
        try:
            return query(self._connection)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise translated(error) from None

    def close(self) -> None:
        self._connection.close()

    def _is_over(self) -> bool:
        return self._deadline is not None and (self._deadline.is_over() or self._stopped())


class ReadThreads:
    """The threads for long reads, shared by all organisations.

    Searches of the full text are seldom long. They have threads of their own, so that they don't wait for scans.
    """

    def __init__(self) -> None:
        self.text = ThreadPoolExecutor(2, thread_name_prefix="crm-read-text")
        self.scans = ThreadPoolExecutor(2, thread_name_prefix="crm-read-scan")
        self._stopped = threading.Event()

    def are_stopped(self) -> bool:
        return self._stopped.is_set()

    def close(self) -> None:
        """End the reads that are running: nobody waits for them any more."""
        self._stopped.set()
        self.text.shutdown()
        self.scans.shutdown()


class AsideReaders:
    """One organisation's connections for these threads: as many as have ever read at the same time."""

    def __init__(self, connect: Callable[[], apsw.Connection], stopped: Callable[[], bool]) -> None:
        self._connect = connect
        self._stopped = stopped
        self._idle: list[Reader] = []
        self._lock = threading.Lock()
        self._closed = False

    def read(self, threads: Executor, query: Callable[[apsw.Connection], T]) -> "asyncio.Future[T]":
        """Run a query in one of the threads. A cancelled future ends the read.

        The future raises TookTooLong and DatabaseUnusable, and StoreClosed once this is closed.
        """
        deadline = Deadline(THREAD_SECONDS)
        future = asyncio.get_running_loop().run_in_executor(threads, self._until, deadline, query)
        future.add_done_callback(lambda done: deadline.call_off() if done.cancelled() else None)
        return future

    def close(self) -> None:
        """Reads that have begun come to their end."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _until(self, deadline: Deadline, query: Callable[[apsw.Connection], T]) -> T:
        if deadline.is_over():  # No thread was free in time.
            raise TookTooLong
        reader = self._take()
        try:
            return reader.until(deadline, query)
        except (apsw.Error, UnicodeDecodeError) as error:
            if "no such table" in str(error):
                raise StoreClosed from None  # It was restored meanwhile, and has fewer tables of full text.
            raise translated(error) from None
        finally:
            self._give_back(reader)

    def _take(self) -> Reader:
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._idle:
                return self._idle.pop()
        return Reader(self._connect(), self._stopped)

    def _give_back(self, reader: Reader) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(reader)
                return
        reader.close()
