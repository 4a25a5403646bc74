"""The connections of this process to one PostgreSQL server: some for reads, others for writes and long work."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from psycopg import Connection

from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.jobs import step_behind_readers
from moorage.crm.storage.postgresql.lent_connections import LentConnections
from moorage.crm.storage.postgresql.read_connections import ReadConnections
from moorage.crm.storage.postgresql.reader import Rows
from moorage.crm.storage.postgresql.session import connection_arguments, open_async, open_sync
from moorage.crm.storage.postgresql.trouble import database_trouble

READS = 8  # Connections for reads.
WRITERS = 4  # Threads that write, each with a connection.
LONG_WORK = 2  # Connections for work on whole organisations.


class PostgresqlServer:
    """`reads` is how many connections it has for reads at most; `writers` and two more are for the rest.

    Nothing is opened before it is used, so a process may fork after it has made one.
    """

    def __init__(self, url: str, *, reads: int = READS, writers: int = WRITERS) -> None:
        self._arguments = connection_arguments(url)
        self._read_count = reads
        self._writers = writers
        self._reads: dict[asyncio.AbstractEventLoop, ReadConnections] = {}
        self._lent = LentConnections(partial(open_sync, self._arguments), writers + LONG_WORK)
        self._threads: ThreadPoolExecutor | None = None
        self._streams: ThreadPoolExecutor | None = None
        self._closed = False
        self._lock = threading.Lock()

    async def fetch(self, schema: str, sql: str, params: Sequence[Any] = (), *, slow: bool = False) -> Rows:
        """The rows of a statement, whose parameters are `%s`. `schema` is that of the organisation.

        `slow` reads use only some of the connections, so that others don't wait for them. Raises TookTooLong,
        DatabaseUnusable, and StoreClosed if a table is missing. A cancelled call ends the statement.
        """
        loop = asyncio.get_running_loop()
        connections = self._reads.get(loop)
        if connections is None:
            connections = self._reads[loop] = self._begin_reads()
        return await connections.fetch(schema, sql, params, slow=slow)

    @contextlib.contextmanager
    def lend(self, schema: str) -> Iterator[Connection]:
        """Lend this thread a connection in autocommit mode. Raises as `trouble.translated` gives errors."""
        with database_trouble(), self._lent.lend(schema) as connection:
            yield connection

    def start(self, work: Callable[[], None]) -> None:
        """Run a piece of writing in one of the threads, once one is free. Raises StoreClosed if this is closed."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._threads is None:
                self._threads = ThreadPoolExecutor(
                    self._writers, thread_name_prefix="crm-write", initializer=step_behind_readers
                )
            self._threads.submit(work)

    async def stream(self, work: Callable[[], None]) -> None:
        """Run a long piece of writing that no other one waits for. One runs at a time, with a lent connection."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._streams is None:
                self._streams = ThreadPoolExecutor(1, "crm-stream", initializer=step_behind_readers)
            running = asyncio.wrap_future(self._streams.submit(work))
        await running

    def close(self) -> None:
        """Close all connections. The stores that use them have to be closed before."""
        with self._lock:
            self._closed = True
        for threads in (self._threads, self._streams):
            if threads is not None:
                threads.shutdown()
        for connections in self._reads.values():
            connections.close()
        self._lent.close()

    def _begin_reads(self) -> ReadConnections:
        """Connections for this event loop, in the place of those of loops that have ended."""
        for loop in [loop for loop in self._reads if loop.is_closed()]:
            self._reads.pop(loop).close()
        return ReadConnections(partial(open_async, self._arguments), self._read_count)
