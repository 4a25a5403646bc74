"""Changes to one organisation's schema, in a transaction that its jobs share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage import companions, old_tags, recycle_bin
from moorage.crm.storage.carried import later_creation
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.files import FILES, TABLES, FileTables
from moorage.crm.storage.outbox import TABLE, EventRow, OutboxTable, event_row
from moorage.crm.storage.postgresql import schema
from moorage.crm.storage.postgresql.changed import ChangedRows
from moorage.crm.storage.postgresql.companions import PostgresqlCompanions
from moorage.crm.storage.postgresql.expressions import BIN_TEXT
from moorage.crm.storage.postgresql.files import files_of
from moorage.crm.storage.postgresql.inventory import Inventory
from moorage.crm.storage.postgresql.outbox import add_events, outbox_of
from moorage.crm.storage.postgresql.row_questions import RowQuestions
from moorage.crm.storage.postgresql.row_writing import add_recycled, change_rows
from moorage.crm.storage.postgresql.statements import Statements
from moorage.crm.storage.postgresql.text_changes import TextChanges
from moorage.crm.storage.postgresql.waiting import WaitingRows
from moorage.crm.storage.recycle_bin import BinTable
from moorage.crm.storage.recycling import recycle


class _Mark(msgspec.Struct):
    """How far the transaction was when a job began."""

    texts: int
    watched: int
    inventory: Inventory


class PostgresqlTransaction(RowQuestions):
    """A `Transaction`. `next_id` and `watched` are the values of counters of the organisation, whose rows are locked.

    `is_copied` says that the organisation is being copied to another server: then its changes are written down.

    Where a value may not repeat, new rows do not wait, because the job has to know.
    """

    def __init__(
        self,
        statements: Statements,
        schema_name: str,
        catalog: Catalog,
        prefix: int,
        now: int,
        inventory: Inventory,
        next_id: int,
        watched: int = 0,
        *,
        is_copied: bool = False,
    ) -> None:
        waiting = WaitingRows(statements, schema_name, self._write_events)
        super().__init__(statements, schema_name, catalog, inventory, waiting)
        self.now = now
        self._prefix = prefix
        self._first_id = self._next_id = next_id
        self._known_version = inventory.version
        self._watched = watched
        # Whether this transaction writes events of which somebody has to be told; None if it has written none.
        self.wakes: bool | None = None
        self.texts = TextChanges(statements, schema_name)
        self.added: Counter[str] = Counter()  # Rows, by table, also those of jobs that are undone.
        self._changed = ChangedRows(is_copied=is_copied)
        self._mark = _Mark(0, watched, inventory)

    # The jobs of a group, one after the other

    def begin_job(self) -> None:
        self.statements.begin_job()
        self._waiting.begin_job()
        self._mark = _Mark(len(self.texts), self._watched, self.inventory)

    def undo_job(self) -> None:
        """Undo what the current job has done. Ids that it took stay unused."""
        self.statements.undo_job()
        self._waiting.undo_job()
        self.texts.forget(self._mark.texts)
        self._watched, self.inventory = self._mark.watched, self._mark.inventory

    def finish(self) -> Sequence[str]:
        """Write what all jobs share; gives the statements for the counters, to be sent with the commit."""
        self._waiting.write()
        self.index_texts()
        self._changed.write(self.statements, self.schema)
        counters = {}
        if self._next_id != self._first_id:
            counters["id"] = self._next_id
        if self.inventory.version != self._known_version:
            counters["version"] = self.inventory.version
        sql = f"UPDATE {self.schema}.counters SET value = %d WHERE name = '%s'"
        return [sql % (value, name) for name, value in counters.items()]

    # Numbers

    def new_ids(self, count: int) -> range:
        first = self._prefix * ID_SPACE + self._next_id
        self._next_id += count
        return range(first, first + count)

    def next_numbers(self, field: Field, count: int) -> range:
        # Counted in the table itself, because the rollback of a job that fails must leave no gap.
        self._waiting.settle()
        sql = (
            f"INSERT INTO {self.schema}.counters AS c VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET value = c.value + %s RETURNING value"
        )
        [(following,)] = self.statements.rows(sql, (f"field {field.id}", 1 + count, count))
        return range(following - count, following)

    # Changes

    def insert(self, module: Module, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if not self.inventory.has(module):
            self._make_tables(module)
        self._waiting.add(module, rows)
        self.added[module.table] += len(rows)
        self._changed.note(module.table, (row["id"] for row in rows))
        self.texts.note_new(module, rows)
        if any(field.unique for field in module.fields.values()):
            self._waiting.settle()

    def update(self, module: Module, changes: Mapping[int, Row]) -> None:
        if not changes or not self.inventory.has(module):
            return
        self._waiting.settle()
        change_rows(self.statements, self.schema, module, changes)
        self._changed.note(module.table, changes)
        texts = {field.column for field in module.full_text}
        self.texts.note_changed(module, [i for i, row in changes.items() if not texts.isdisjoint(row)])

    def recycle(self, module: Module, records: Iterable[int], by: int) -> set[int]:
        recycled = recycle(self, self.catalog, module, records)
        if recycled:
            self._make_later(recycle_bin.TABLE)
            add_recycled(self.statements, self.schema, module, recycled, (by, self.now))
        ids = {each.id for each in recycled}
        self._changed.note(recycle_bin.TABLE, ids)
        return ids

    def drop(self, module: Module, records: Iterable[int]) -> None:
        ids = list(records)
        if not ids or not self.inventory.has(module):
            return
        self._waiting.settle()
        self.statements.run(f"DELETE FROM {self._table(module)} WHERE id = ANY(%s)", (ids,))
        self._changed.note(module.table, ids)
        self.texts.note_changed(module, ids)

    def take_old_tags(self) -> Sequence[tuple[int, int, str]]:
        if not self._has(old_tags.TABLE):
            return []
        self._waiting.settle()
        tags = self.statements.rows(old_tags.taking(f"{self.schema}."))
        self._changed.note(old_tags.TABLE, (tag for tag, _, _ in tags))
        return [(tag, module, name) for tag, module, name in tags]

    def emit(self, kind: str, payload: Any) -> None:
        [event] = self.new_ids(1)
        self._waiting.add_event(event_row(event, kind, payload))

    @property
    def is_watched(self) -> bool:
        return self._watched > self.now

    def watch(self, until: int) -> None:
        self.outbox.watch(until)
        self._watched = until

    @property
    def outbox(self) -> OutboxTable:
        self._waiting.settle()
        return outbox_of(self.statements, self.schema, self.now, partial(self._changed.note, TABLE))

    @property
    def bin(self) -> BinTable:
        self._waiting.settle()
        note = partial(self._changed.note, recycle_bin.TABLE)
        return BinTable(self._ask_bin, f"{self.schema}.{recycle_bin.TABLE}", BIN_TEXT, note)

    def _ask_bin(self, sql: str, params: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return self.statements.ask(sql, params) if self._has(recycle_bin.TABLE) else []

    @property
    def companions(self) -> companions.CompanionsTable:
        self._waiting.settle()
        exists, note = partial(self._has, companions.TABLE), partial(self._changed.note, companions.TABLE)
        make = partial(self._make_later, companions.TABLE)
        table = PostgresqlCompanions(self.statements, self.schema, exists, make, note)
        return companions.CompanionsTable(table)

    @property
    def files(self) -> FileTables:
        self._waiting.settle()
        make, note = partial(self._make_later, *TABLES), self._changed.note
        return files_of(
            self.statements, self.schema, self.now, self.new_ids, partial(self._has, FILES), make, note
        )

    # What is behind the changes

    def _make_later(self, *tables: str) -> None:
        """Make tables that an organisation has from the first row in one of them on, if they are missing."""
        if not self._has(tables[0]):
            for table in tables:
                self.statements.run_all(later_creation(table, f"{self.schema}.", "bigint"))
            self._know(set(tables))
            self.raise_version()

    def _write_events(self, events: Sequence[EventRow]) -> None:
        if not self._has(TABLE):
            self.statements.run(schema.outbox_statement(self.schema))
            self._know({TABLE})
        if self.wakes is None:
            self.wakes = outbox_of(self.statements, self.schema, self.now).begin()
        add_events(self.statements, self.schema, events)
        self._changed.note(TABLE, (event for event, _, _ in events))

    def _make_tables(self, module: Module) -> None:
        self._waiting.settle()
        self.statements.run_all(schema.module_statements(self.schema, module))
        self._know({module.table, module.text_table} if module.full_text else {module.table})
        self.raise_version()

    def raise_version(self) -> None:
        """Let every other store open the organisation anew. Once in a transaction is enough."""
        self.inventory = replace(self.inventory, version=self._known_version + 1)

    def index_texts(self) -> None:
        """Write the full text of all records whose words have changed."""
        texts = self.texts.write(self.inventory.texts)
        if texts is not self.inventory.texts:
            self.inventory = replace(self.inventory, texts=texts)
            self.raise_version()
