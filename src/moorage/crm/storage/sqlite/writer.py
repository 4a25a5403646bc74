"""The one writer of an organisation's file: a thread that commits all jobs that wait as one group."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

import apsw

from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.jobs import GROUP_LIMIT, Job, Waking, step_behind_readers
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from moorage.crm.storage.sqlite.trouble import translated

T = TypeVar("T")
Around: TypeAlias = Callable[[], contextlib.AbstractContextManager[None]]

PATIENCE = 30_000  # Milliseconds to wait while another process writes, restores, or builds an index.


class Writer:
    """`begin` makes the `Transaction` that all jobs of a group use, once SQLite's own is open."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        begin: Callable[[Any], SqliteTransaction],
        listener: Listener | None = None,
    ) -> None:
        self._connect = connect
        self._begin = begin
        self._waking = Waking(listener)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._next_job: _Job | None = None  # Taken from the queue already, for the next group.
        self._thread: threading.Thread | None = None
        self._connection: apsw.Connection | None = None
        self._closed = False

    def submit(
        self, run: Callable[[SqliteTransaction], T], *, alone: Around | None = None, lasting: bool = True
    ) -> "asyncio.Future[T]":
        """Queue a job; the future is done once the job's group is on disk. Raises StoreClosed.

        `lasting` is that of `RecordStore.write`. With `alone`, the job is a group of its own, and runs within that
        context. The future raises DatabaseUnusable.
        """
        if self._closed:
            raise StoreClosed
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="crm-writer", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(run, loop, future, alone=alone, lasting=lasting))
        return future

    def close(self) -> None:
        """Finish the jobs that wait, then stop."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        step_behind_readers()
        while self._commit_next():
            pass
        if self._connection is not None:
            self._connection.close()

    def _commit_next(self) -> bool:
        """Wait for a group and commit it; False when the writer is to stop.

        The group is known here only, so that no job, with a request's records, is held until the next one comes.
        """
        group = self._next_group()
        if group:
            self._commit(group)
        return bool(group)

    def _next_group(self) -> "list[_Job]":
        """Every job that waits, at least one; empty when the writer is to stop."""
        group: list[_Job] = []
        job, self._next_job = self._next_job or self._jobs.get(), None
        while job is not None:
            if job.alone and group:
                self._next_job = job
                return group
            group.append(job)
            if job.alone or len(group) == GROUP_LIMIT:
                return group
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._jobs.put(None)  # The writer is to stop after this group.
        return group

    def _commit(self, group: "list[_Job]") -> None:
        try:
            connection, lasting = self._connected(), any(job.lasting for job in group)
            with (group[0].alone or contextlib.nullcontext)(), _flushing(connection, lasting=lasting):
                self._run(connection, group)
        except Exception as error:  # noqa: BLE001 - an error outside the jobs is every job's error
            failure = translated(error)
            for job in group:
                job.error = failure
        for job in group:
            job.settle()

    def _connected(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.set_busy_timeout(PATIENCE)
        return self._connection

    def _run(self, connection: apsw.Connection, group: "list[_Job]") -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            transaction = self._begin(connection)
            for job in group:
                job.attempt(connection, transaction)
            if group[0].alone and group[0].error is not None:
                return  # Nothing of it is to be kept, not even the ids that it took.
            transaction.finish()
            self._waking.before_commit(group[0], wakes=transaction.wakes)
            connection.execute("COMMIT")
            self._waking.after_commit(wakes=transaction.wakes)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextlib.contextmanager
def _flushing(connection: apsw.Connection, *, lasting: bool) -> Iterator[None]:
    """Without `lasting`, commits wait for no disk. The next one that does flushes the whole log, with what is in it."""
    if lasting:
        yield
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")


class _Job(Job):
    def __init__(
        self,
        run: Callable[[Any], Any],
        loop: asyncio.AbstractEventLoop,
        future: Any,
        *,
        alone: Around | None,
        lasting: bool,
    ) -> None:
        super().__init__(run, loop, future, lasting=lasting)
        self.alone = alone

    def attempt(self, connection: apsw.Connection, transaction: SqliteTransaction) -> None:
        """Run inside a savepoint, so that a job that fails leaves the others of its group alone."""
        connection.execute("SAVEPOINT job")
        try:
            self.run(transaction)
        except Exception as error:
            if not connection.in_transaction:
                raise  # An error such as a full disk undoes the whole transaction.
            self.error = translated(error)  # The future will raise it.
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
