"""What the database alone takes: the very statements that an answer runs, without anything around them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

import apsw

from benchmarks.load import Sample
from moorage.clock import SystemClock
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.times import zoned
from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import to_insert
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.sqlite.readers import connect
from moorage.crm.storage.sqlite.transaction import SqliteTransaction

Statement: TypeAlias = tuple[str, Any]  # The SQL and its parameters.


@contextmanager
def overheard() -> Iterator[list[Statement]]:
    """Every statement that a connection opened inside the block runs, for as long as it lives."""
    statements: list[Statement] = []

    def listen(_: Any, sql: str, parameters: Any) -> bool:
        statements.append((sql, parameters))
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = listen

    apsw.connection_hooks.append(hook)
    try:
        yield statements
    finally:
        apsw.connection_hooks.remove(hook)


def _sample(count: int, seconds: float, cpu_seconds: float) -> Sample:
    return Sample(count / seconds, cpu_seconds / count * 1e6)


class BareReads:
    """Runs the statements of some answers in turn."""

    def __init__(
        self, file: Path, organisation: Organisation, answers: Sequence[Sequence[Statement]]
    ) -> None:
        self._connection = connect(file)
        self._zone = organisation.zone
        # The store's SQL calls it for times far from now.
        self._connection.create_scalar_function("zoned", self._zoned, 1, deterministic=True)
        self._answers = answers

    def _zoned(self, *arguments: Any) -> str | None:
        return zoned(self._zone, arguments[0])

    def rows(self) -> list[Any]:
        """What the last query of the first answer gives."""
        sql, parameters = [one for one in self._answers[0] if one[0].startswith("SELECT")][-1]
        return self._connection.execute(sql, parameters).fetchall()

    def run(self, seconds: float) -> Sample:
        execute, answers = self._connection.execute, cycle(self._answers)
        before = time.process_time()
        started = now = time.perf_counter()
        count = 0
        while now < started + seconds:
            for sql, parameters in next(answers):
                execute(sql, parameters).fetchall()
            count += 1
            now = time.perf_counter()
        return _sample(count, now - started, time.process_time() - before)

    def close(self) -> None:
        self._connection.close()


class BareInserts:
    """Inserts ready rows, one commit for each batch, with the indexes and the full text that the store keeps."""

    def __init__(self, file: Path, organisation: Organisation, batches: Sequence[Sequence[Any]]) -> None:
        self._connection = connect(file)
        self._organisation = organisation
        self._module = organisation.catalog.modules["Leads"]
        self._batches = cycle([self._rows(batch) for batch in batches])

    def run(self, seconds: float) -> Sample:
        before = time.process_time()
        started = now = time.perf_counter()
        count = 0
        while now < started + seconds:
            rows = next(self._batches)
            self._connection.execute("BEGIN IMMEDIATE")
            transaction = SqliteTransaction(*self._transaction_arguments())
            ids = transaction.new_ids(len(rows))
            transaction.insert(self._module, [row | {"id": new} for row, new in zip(rows, ids, strict=True)])
            transaction.finish()
            self._connection.execute("COMMIT")
            count += 1
            now = time.perf_counter()
        return _sample(count, now - started, time.process_time() - before)

    def close(self) -> None:
        self._connection.close()

    def _rows(self, batch: Sequence[Any]) -> list[Row]:
        """The rows that the API would write for a batch."""
        self._connection.execute("BEGIN IMMEDIATE")
        draft = _Draft(*self._transaction_arguments())
        user = self._organisation.metadata.all("user")[0].id
        Change(self._organisation, self._module, user, draft).insert(
            to_insert(self._organisation.catalog, self._module, batch)
        )
        self._connection.execute("ROLLBACK")
        return draft.drafted

    def _transaction_arguments(self) -> tuple[apsw.Connection, Catalog, int, int]:
        now = int(SystemClock().timestamp())
        return self._connection, self._organisation.catalog, self._organisation.prefix, now


class _Draft(SqliteTransaction):
    """Keeps the rows it is given instead of writing them."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog, prefix: int, now: int) -> None:
        super().__init__(connection, catalog, prefix, now)
        self.drafted: list[Row] = []

    def insert(self, module: Module, rows: Sequence[Row]) -> None:  # noqa: ARG002 (the store's signature)
        self.drafted += rows
