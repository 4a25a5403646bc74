"""The one writer of an open organisation: all jobs that wait are committed as one group, in a thread of the server.

A thread is busy only while there are jobs. After each group it turns to the organisations that wait.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from psycopg import Connection

from moorage.clock import Clock
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.jobs import GROUP_LIMIT, Job, Waking
from moorage.crm.storage.outbox import WATCHED
from moorage.crm.storage.postgresql.changed import COUNTER as IS_COPIED
from moorage.crm.storage.postgresql.inventory import OpenSchema
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.statements import WITHOUT_THE_DISK, Statements
from moorage.crm.storage.postgresql.table_statistics import TableStatistics
from moorage.crm.storage.postgresql.text_merging import TextMerging
from moorage.crm.storage.postgresql.transaction import PostgresqlTransaction
from moorage.crm.storage.postgresql.trouble import Unprepared, translated

T = TypeVar("T")

# These rows are locked, always in this order. The first is the turn of an organisation's writers in all processes; a
# restore takes it away for good. Locked rows are read as they are then, and not as they were when the wait began.
_LOCK = (
    "SELECT name, value FROM {0}.counters"
    f" WHERE name IN ('id', '{IS_COPIED}', 'version', '{WATCHED}') ORDER BY name FOR UPDATE"
)


class Writer:
    """Writes with the metadata of `catalog`, as long as `opened` has the version of the schema itself."""

    def __init__(
        self,
        server: PostgresqlServer,
        opened: OpenSchema,
        catalog: Catalog,
        prefix: int,
        clock: Clock,
        listener: Listener | None = None,
    ) -> None:
        self._server = server
        self._opened = opened
        self._catalog = catalog
        self._prefix = prefix
        self._clock = clock
        self._waking = Waking(listener)
        self._merging = TextMerging(server, opened.name)
        self._statistics = TableStatistics(server, opened.name)
        self._jobs: deque[_Job] = deque()
        self._is_busy = False
        self._closed = False
        self._changed = threading.Condition()

    def submit(
        self,
        run: Callable[[PostgresqlTransaction], T],
        *,
        alone: bool = False,
        opens: bool = False,
        lasting: bool = True,
    ) -> "asyncio.Future[T]":
        """Queue a job; the future is done once the server has acknowledged the commit of its group.

        Raises StoreClosed. `lasting` is that of `RecordStore.write`. With `alone`, the job is a group of its own. One
        that `opens` the transaction for others sets their savepoints itself. The future raises StoreClosed and
        DatabaseUnusable. If the connection is lost while the server commits, nobody knows whether it did.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._changed:
            if self._closed or self._opened.is_outdated:
                raise StoreClosed
            if not self._is_busy:
                self._server.start(self._commit_next)
                self._is_busy = True
            self._jobs.append(_Job(run, loop, future, alone=alone, opens=opens, lasting=lasting))
        return future

    def close(self) -> None:
        """Finish the jobs that wait, then stop."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._is_busy)

    def _commit_next(self) -> None:
        """Commit the jobs that wait. The group is known here only, so that no job is held until the next one."""
        try:
            self._commit(self._next_group())
        finally:
            self._turn_to_next()

    def _turn_to_next(self) -> None:
        with self._changed:
            self._is_busy = bool(self._jobs)
            try:
                if self._is_busy:
                    self._server.start(self._commit_next)
            except StoreClosed as error:  # The server was closed before the store, against its contract.
                for job in self._jobs:
                    job.error = error
                    job.settle()
                self._jobs.clear()
                self._is_busy = False
            self._changed.notify_all()

    def _next_group(self) -> "list[_Job]":
        with self._changed:
            group = [self._jobs.popleft()]
            while self._jobs and len(group) < GROUP_LIMIT and not (group[0].alone or self._jobs[0].alone):
                group.append(self._jobs.popleft())
            return group

    def _commit(self, group: "list[_Job]") -> None:
        done: PostgresqlTransaction | None = None
        try:
            with self._server.lend(self._opened.name) as connection:
                done = self._run(connection, group)
        except Exception as error:  # noqa: BLE001 - an error outside the jobs is every job's error
            failure = translated(error)
            if isinstance(failure, StoreClosed):
                self._opened.is_outdated = True
            for job in group:
                job.error = failure
        for job in group:
            job.settle()
        if done is not None:
            self._merging.note(done.texts.written)
            self._statistics.note(done.added)

    def _run(self, connection: Connection, group: "Sequence[_Job]") -> PostgresqlTransaction | None:
        """Run the jobs in one transaction. Gives it if it was committed."""
        statements = Statements(connection, several=len(group) > 1 or group[0].opens)
        try:
            transaction = self._begin(statements)
            for job in group:
                job.attempt(transaction)
            if len(group) > 1 or group[0].error is None:
                last = [
                    *transaction.finish(),
                    *(() if any(job.lasting for job in group) else WITHOUT_THE_DISK),
                ]
                self._waking.before_commit(group[0], wakes=transaction.wakes)
                statements.commit(last)
                self._waking.after_commit(wakes=transaction.wakes)
                self._opened.is_outdated = transaction.catalog is not self._catalog
                if not self._opened.is_outdated:
                    self._opened.inventory = transaction.inventory
                return transaction
            return None
        finally:
            statements.end()

    def _begin(self, statements: Statements) -> PostgresqlTransaction:
        """Raises StoreClosed if the metadata have changed: the jobs were prepared by older ones."""
        opened = self._opened
        counters = dict(statements.begin(_LOCK.format(opened.name)))
        if counters.get("version") != opened.inventory.version or "id" not in counters:
            opened.is_outdated = True
            raise StoreClosed
        return PostgresqlTransaction(
            statements,
            opened.name,
            self._catalog,
            self._prefix,
            int(self._clock.timestamp()),
            opened.inventory,
            counters["id"],
            counters.get(WATCHED, 0),
            is_copied=bool(counters.get(IS_COPIED)),
        )


class _Job(Job):
    def __init__(
        self,
        run: Callable[[Any], Any],
        loop: asyncio.AbstractEventLoop,
        future: Any,
        *,
        alone: bool,
        opens: bool,
        lasting: bool,
    ) -> None:
        super().__init__(run, loop, future, lasting=lasting)
        self.alone = alone
        self.opens = opens

    def attempt(self, transaction: PostgresqlTransaction) -> None:
        """Run the job, so that one that fails leaves the others of its group alone."""
        transaction.begin_job()
        try:
            self.run(transaction)
        except Exception as error:
            if isinstance(error, Unprepared) or not transaction.statements.can_go_on():
                raise  # An error such as a lost connection undoes the whole transaction.
            self.error = translated(error)  # The future will raise it.
            transaction.undo_job()
