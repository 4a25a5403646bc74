"""An organisation is copied to another server while it is used, and then used there.

1.  Transactions of the organisation begin to write which rows they change (`changed.py`).
2.  Its tables are made on the other server, and its rows copied in parts.
3.  What has changed meanwhile is copied again, in rounds: each brings the copy to one moment of the original. After the
    first round the indexes are made.
4.  Once a round is short, the lock of the writer is taken. The last changes are copied, and at last the counters. Then
    the copy is whole, and durable. In the transaction that holds the lock, the original loses its counters.

So at each moment the original has a counter of ids, or the copy is whole. Whoever finds a move that was not finished
looks for that counter (`settling.is_left`), and needs to know nothing else.

This needs no rights but those of an ordinary owner of tables, no setting of a server, and no way from one server to the
other.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec.structs import replace
from psycopg import Connection

from moorage.crm.storage.carried import FOLLOWED, STILL, part_of
from moorage.crm.storage.contract.departures import CopyOvertaken
from moorage.crm.storage.contract.transfers import Report
from moorage.crm.storage.postgresql import changed
from moorage.crm.storage.postgresql.cloning import Table, make, tables
from moorage.crm.storage.postgresql.session import long_transaction
from moorage.crm.storage.postgresql.settling import MARK, locked, run
from moorage.crm.storage.postgresql.table_statistics import look_at

PART = 10_000  # Records that are copied at once. Such a part takes some tenths of a second.
SHORT = 0.05  # Seconds. After a round that takes no longer, writers can be made to wait.
MOST_ROUNDS = 50
PATIENCE = 10  # Seconds to wait for the writer.

# Only changes of the metadata write these.
_STILL = {"metadata", *STILL}
# A module's records, and the tables of their full text. Further tables of a module have a suffix.
_OF_MODULE = re.compile(r"[mt](?P<number>\d+)(?:_\w+)?")


class MoveTooSlow(Exception):
    """More is written than can be copied at the same time."""


class Move:
    """One move, with a connection in autocommit mode to each server. `number` is of this move alone."""

    def __init__(
        self, source: Connection, target: Connection, schema: str, number: int, report: Report
    ) -> None:
        self._source = source
        self._target = target
        self._schema = schema
        self._number = number
        self._report = report
        self._tables: dict[str, Table] = {}
        self._copied = self._expected = 0
        self.held = 0.0  # Seconds for which writers had to wait.

    def run(self) -> None:
        """Raises CopyOvertaken, MoveTooSlow, and psycopg's errors."""
        self._begin()
        self._step("tables")
        self._make_tables()
        self._step("rows")
        self._copy_rows()
        self._step("changes")
        self._round()
        self._step("indexes")
        self._make_indexes()
        self._step("rounds")
        self._catch_up()
        self._step("last changes")
        self._hand_over()
        self._step("handed over")

    def _step(self, name: str) -> None:
        self._report(name, self._copied, self._expected)

    def _begin(self) -> None:
        with long_transaction(self._source):
            _lock_writer(self._source, self._schema)
            changed.begin(self._source, self._schema, self._number)

    def _make_tables(self) -> None:
        self._tables = dict(tables(self._source, self._schema))
        del self._tables[changed.TABLE]
        self._expected = sum(table.rows for table in self._tables.values() if _is_followed(table))
        with long_transaction(self._target):
            run(self._target, f"CREATE SCHEMA {self._schema}")
            make(self._target, (table.creation for table in self._tables.values()))
            run(self._target, f"INSERT INTO {self._schema}.counters VALUES ('{MARK}', {self._number:d})")

    def _copy_rows(self) -> None:
        for table in self._tables.values():
            if _is_followed(table):
                self._copy_parts(table)
            elif table.name in _STILL:
                self._copy_part(table)

    def _copy_parts(self, table: Table) -> None:
        key, name = table.key, f"{self._schema}.{table.name}"
        most = part_of(table.name, PART)
        next_part = f"SELECT {key} FROM {name} WHERE {key} > %s ORDER BY {key} OFFSET {most} LIMIT 1"
        before = -1
        while row := run(self._source, next_part, (before,)).fetchone():
            self._copy_part(table, f"{key} > %s AND {key} <= %s", (before, row[0]))
            before = row[0]
        self._copy_part(table, f"{key} > %s", (before,))

    def _copy_part(self, table: Table, where: str = "true", params: Sequence[Any] = ()) -> None:
        with long_transaction(self._source), long_transaction(self._target):
            self._copied += self._copy(table, where, params)
        self._step("rows")

    def _make_indexes(self) -> None:
        for table in self._tables.values():
            with long_transaction(self._target):
                make(self._target, table.indexes)
                run(self._target, look_at(self._schema, table.name))
            self._step("indexes")

    def _catch_up(self) -> None:
        for _ in range(MOST_ROUNDS):
            began = time.monotonic()
            self._round()
            if time.monotonic() - began <= SHORT:
                return
            self._step("rounds")
        raise MoveTooSlow

    def _round(self) -> None:
        """Bring the copy to one moment, that of the transaction's first statement: unique values can't meet others."""
        with long_transaction(self._source, isolation="REPEATABLE READ"):
            self._require_current()
            self._apply(changed.take(self._source, self._schema))

    def _hand_over(self) -> None:
        with long_transaction(self._source):
            _lock_writer(self._source, self._schema)
            began = time.monotonic()
            self._require_current()
            changes = changed.take(self._source, self._schema)
            with long_transaction(self._target):
                self._copy_changes(changes)
                for table in self._tables.values():
                    if not _is_followed(table) and table.name not in _STILL:
                        self._copy_whole(table)
            self._step("copied")
            run(self._source, f"DELETE FROM {self._schema}.counters")
        self.held = time.monotonic() - began

    def _copy_whole(self, table: Table) -> None:
        if table.name != "counters":
            self._copy(table)
            return
        self._copy(table, f"name NOT IN ('{MARK}', '{changed.COUNTER}')")
        run(self._target, f"INSERT INTO {self._schema}.counters VALUES ('{changed.COUNTER}', 0)")

    def _require_current(self) -> None:
        if changed.number(self._source, self._schema) != self._number:
            raise CopyOvertaken

    def _apply(self, changes: Mapping[str, set[int]]) -> None:
        with long_transaction(self._target):
            self._copy_changes(changes)

    def _copy_changes(self, changes: Mapping[str, set[int]]) -> None:
        """Copy rows again. All are removed before the first is written: unique values may have changed hands."""
        self._make_new_tables()
        chosen = [(table, sorted(changes[name])) for name in changes for table in self._related(name)]
        for table, ids in chosen:
            sql = f"DELETE FROM {self._schema}.{table.name} WHERE {table.key} = ANY(%s)"
            run(self._target, sql, (ids,))
        for table, ids in chosen:
            for part in _parts(ids, part_of(table.name, PART)):
                self._copied += self._copy(table, f"{table.key} = ANY(%s)", [part])

    def _make_new_tables(self) -> None:
        """Make the tables that writes have made since the last look, such as those of a module's first record."""
        sql = (
            "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r'"
        )
        names = {row[0] for row in run(self._source, sql, (self._schema,))} - {changed.TABLE}
        if names <= self._tables.keys():
            return
        for name, table in tables(self._source, self._schema).items():
            if name not in self._tables and name != changed.TABLE:
                make(self._target, [table.creation, *table.indexes])
                self._tables[name] = replace(table, indexes=())  # They are not to be made a second time.

    def _related(self, name: str) -> list[Table]:
        """The tables that hold a row whose change was written down: for a record, also those of its full text."""
        module = _number(name)
        if module is None:
            return [self._tables[name]]
        return [table for table in self._tables.values() if _number(table.name) == module]

    def _copy(self, table: Table, where: str = "true", params: Sequence[Any] = ()) -> int:
        columns = ", ".join(table.columns)
        leaving = f"COPY (SELECT {columns} FROM {self._schema}.{table.name} WHERE {where}) TO STDOUT"
        arriving = f"COPY {self._schema}.{table.name} ({columns}) FROM STDIN"
        cursor = self._target.cursor()
        with (
            self._source.cursor().copy(leaving, params) as rows,
            cursor.copy(arriving) as copy,
        ):
            for data in rows:
                copy.write(data)
        return cursor.rowcount


def _lock_writer(source: Connection, schema: str) -> None:
    run(source, f"SET LOCAL lock_timeout = '{PATIENCE}s'")
    if not locked(source, schema):
        raise CopyOvertaken


def _is_followed(table: Table) -> bool:
    return table.name in FOLLOWED or _number(table.name) is not None


def _number(name: str) -> int | None:
    matched = _OF_MODULE.fullmatch(name)
    return int(matched["number"]) if matched else None


def _parts(ids: Sequence[int], most: int) -> Iterator[list[int]]:
    rest = iter(ids)
    while part := list(islice(rest, most)):
        yield part
