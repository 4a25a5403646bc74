"""Changes to one organisation's SQLite file, inside a transaction that the writer began."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.storage import old_tags
from moorage.crm.storage.columns import columns_of
from moorage.crm.storage.companions import CompanionsTable
from moorage.crm.storage.compile import compile_groups
from moorage.crm.storage.contract.aggregates import Aggregate
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.files import FileTables
from moorage.crm.storage.outbox import TABLE, OutboxTable, creation, event_row
from moorage.crm.storage.recycle_bin import TABLE as RECYCLE
from moorage.crm.storage.recycle_bin import BinTable
from moorage.crm.storage.recycling import recycle
from moorage.crm.storage.sqlite import fulltext
from moorage.crm.storage.sqlite.companions import SqliteCompanions
from moorage.crm.storage.sqlite.dialect import SqliteDialect
from moorage.crm.storage.sqlite.files import files_of
from moorage.crm.storage.sqlite.outbox import outbox_of
from moorage.crm.storage.sqlite.schema import has_table
from moorage.crm.storage.sqlite.text_layout import Family, TextLayout, read_places

_encode = msgspec.json.Encoder().encode


BIN_TEXT = "lower(coalesce(display_name, ''))"  # The name of a deleted record, as it is compared.


class SqliteTransaction:
    """`layout` may be None if no module has gained fields."""

    def __init__(
        self,
        connection: apsw.Connection,
        catalog: Catalog,
        prefix: int,
        now: int,
        layout: TextLayout | None = None,
    ) -> None:
        self.connection = connection
        self._catalog = catalog
        self._layout = layout or TextLayout(catalog, {})
        self.dialect = SqliteDialect(self._layout, lambda module: fulltext.text_ranges(connection, module))
        self._prefix = prefix
        self._next_id: int | None = None
        self._changed_texts: dict[Module, set[int]] = {}
        self._dropped_texts: dict[Module, set[int]] = {}
        self.now = now
        # Whether this transaction writes events of which somebody has to be told; None if it has written none.
        self.wakes: bool | None = None

    def with_catalog(self, catalog: Catalog) -> "SqliteTransaction":
        """This transaction as it is after a change of the metadata."""
        layout = TextLayout(catalog, read_places(self.connection))
        return SqliteTransaction(self.connection, catalog, self._prefix, self.now, layout)

    def finish(self) -> None:
        """Before the commit, write what all jobs of a group share: the next id, and the full text.

        Whenever a savepoint ends, FTS5 writes a segment of its index and merges it with others. For each job of a
        group, that would cost more than all the rest of an insert.
        """
        if self._next_id is not None:
            self.connection.execute("UPDATE counters SET value = ? WHERE name = 'id'", (self._next_id,))
        self.write_texts()

    def write_texts(self) -> None:
        """Write the full text of all records that have changed."""
        for module, records in self._dropped_texts.items():
            self._remove_text(module, records)
        for module, records in self._changed_texts.items():
            self.index_text(module, records)
        self._dropped_texts.clear()
        self._changed_texts.clear()

    def new_ids(self, count: int) -> range:
        if self._next_id is None:
            self._next_id = int(self.connection.execute("SELECT value FROM counters WHERE name = 'id'").get)
        first = self._prefix * 10**12 + self._next_id
        self._next_id += count
        return range(first, first + count)

    def next_numbers(self, field: Field, count: int) -> range:
        # Counted in the table itself, because the rollback of a job that fails must leave no gap.
        sql = (
            "INSERT INTO counters VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = value + ? RETURNING value"
        )
        following: int = self.connection.execute(sql, (f"field {field.id}", 1 + count, count)).get
        return range(following - count, following)

    def existing(self, module: Module, ids: Iterable[int]) -> set[int]:
        sql = f"SELECT id FROM {module.table} WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self.connection.execute(sql, (_encode(list(ids)).decode(),))}

    def rows(self, module: Module, ids: Iterable[int]) -> dict[int, Row]:
        columns = columns_of(module)
        sql = f"SELECT {', '.join(columns)} FROM {module.table} WHERE id IN (SELECT value FROM json_each(?))"
        rows = self.connection.execute(sql, (_encode(list(ids)).decode(),))
        return {values[0]: dict(zip(columns, values, strict=True)) for values in rows}

    def matching(self, module: Module, field: Field, values: Sequence[Any]) -> dict[Any, list[int]]:
        # The index of a unique field has this collation for every type; without it, it would not be used.
        collation = " COLLATE NOCASE" if field.storage == "text" or field.unique else ""
        index = f"{module.table}_{field.column}_equal"
        if field.storage == "text" and field.data_type != "email" and not field.unique:
            # The index is made by the first write that looks records up by this field.
            self.connection.execute(
                f"CREATE INDEX IF NOT EXISTS {index} ON {module.table} ({field.column}{collation})"
            )
        sql = f"SELECT id FROM {module.table} WHERE {field.column} = ?{collation} ORDER BY id LIMIT 2"
        return {value: [row[0] for row in self.connection.execute(sql, (value,))] for value in values}

    def children(self, module: Module, parent_column: str, parents: Iterable[int]) -> dict[int, list[Row]]:
        columns = columns_of(module)
        parent_index = columns.index(parent_column)
        sql = (
            f"SELECT {', '.join(columns)} FROM {module.table}"
            f" WHERE {parent_column} IN (SELECT value FROM json_each(?)) ORDER BY id"
        )
        children: dict[int, list[Row]] = {}
        for values in self.connection.execute(sql, (_encode(list(parents)).decode(),)):
            children.setdefault(values[parent_index], []).append(dict(zip(columns, values, strict=True)))
        return children

    def aggregates(
        self, module: Module, lookup: Field, wanted: Sequence[Aggregate], parents: Iterable[int]
    ) -> dict[int, list[Any]]:
        sql, params = compile_groups(module, lookup, wanted, self._catalog, self.dialect)
        rows = self.connection.execute(sql, (*params, _encode(list(parents)).decode()))
        return {parent: list(values) for parent, *values in rows}

    def insert(self, module: Module, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns = columns_of(module)
        sql = f"INSERT INTO {module.table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        self.connection.executemany(sql, [[row.get(column) for column in columns] for row in rows])
        self._note(self._changed_texts, module, [row["id"] for row in rows])

    def update(self, module: Module, changes: Mapping[int, Row]) -> None:
        for record, row in changes.items():
            sets = ", ".join(f"{column} = ?" for column in row)
            sql = f"UPDATE {module.table} SET {sets} WHERE id = ?"
            self.connection.execute(sql, (*row.values(), record))
        texts = {field.column for field in module.full_text}
        self._note(
            self._changed_texts, module, [i for i, row in changes.items() if not texts.isdisjoint(row)]
        )

    def recycle(self, module: Module, records: Iterable[int], by: int) -> set[int]:
        recycled = recycle(self, self._catalog, module, records)
        self.connection.executemany(
            "INSERT INTO recycle (id, module, display_name, deleted_by, created_by, deleted_time, kind, body)"
            " VALUES (?, ?, ?, ?, ?, ?, 'recycle', ?)",
            [
                (each.id, module.number, each.display_name, by, each.created_by, self.now, each.body)
                for each in recycled
            ],
        )
        return {each.id for each in recycled}

    def drop(self, module: Module, records: Iterable[int]) -> None:
        ids = list(records)
        self.connection.executemany(f"DELETE FROM {module.table} WHERE id = ?", [(record,) for record in ids])
        self._note(self._dropped_texts, module, ids)

    def containing(self, module: Module, field: Field, part: str, after: int, most: int) -> dict[int, Any]:
        sql = (
            f"SELECT id, {field.column} FROM {module.table} WHERE id > ? AND instr({field.column}, ?) > 0"
            " ORDER BY id LIMIT ?"
        )
        return dict(self.connection.execute(sql, (after, part, most)))

    def take_old_tags(self) -> Sequence[tuple[int, int, str]]:
        if not has_table(self.connection, old_tags.TABLE):
            return []
        rows: list[Any] = self.connection.execute(old_tags.taking("")).fetchall()
        return rows

    def emit(self, kind: str, payload: Any) -> None:
        [event] = self.new_ids(1)
        self.connection.execute(creation("", "INTEGER"))  # A job that made it may have been undone.
        if self.wakes is None:
            self.wakes = self.outbox.begin()
        self.connection.execute(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", event_row(event, kind, payload))

    @property
    def is_watched(self) -> bool:
        return self.outbox.watched() > self.now

    def watch(self, until: int) -> None:
        self.outbox.watch(until)

    @property
    def outbox(self) -> OutboxTable:
        return outbox_of(self.connection, self.now)

    @property
    def bin(self) -> BinTable:
        def ask(sql: str, params: Sequence[Any]) -> list[Any]:
            return self.connection.execute(sql, params).fetchall()

        return BinTable(ask, RECYCLE, BIN_TEXT)

    @property
    def companions(self) -> CompanionsTable:
        return CompanionsTable(SqliteCompanions(self.connection))

    @property
    def files(self) -> FileTables:
        return files_of(self.connection, self.now, self.new_ids)

    def _note(self, noted: dict[Module, set[int]], module: Module, records: Sequence[int]) -> None:
        if module.full_text and records:
            noted.setdefault(module, set()).update(records)

    def index_columns(self, module: Module, records: set[int], columns: set[str]) -> None:
        """Index the text of records that exist, of which only these columns have changed."""
        families = [f for f in self._layout.families(module) if not columns.isdisjoint(f.columns.values())]
        for suffix, ids in self._by_range(module, records):
            for family in families:
                self._index_family(module, family, suffix, ids)

    def index_text(self, module: Module, records: set[int]) -> None:
        """Index all text of the records; those that are gone again are left out."""
        families = self._layout.families(module)
        fulltext.open_next(self.connection, module, families, records)
        for suffix, ids in self._by_range(module, records):
            for family in families:
                self._index_family(module, family, suffix, ids)

    def _index_family(self, module: Module, family: Family, suffix: str, ids: str) -> None:
        table, chosen = f"{family.stem}{suffix}", "id IN (SELECT value FROM json_each(?))"
        if not family.is_first:  # Most records have no values in the fields that came later.
            self.connection.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT value FROM json_each(?))", (ids,)
            )
            chosen += f" AND coalesce({', '.join(family.columns.values())}, NULL) IS NOT NULL"
        sql = (
            f"INSERT OR REPLACE INTO {table} (rowid, {', '.join(family.columns)})"
            f" SELECT id, {', '.join(map(fulltext.indexed, family.columns.values()))}"
            f" FROM {module.table} WHERE {chosen}"
        )
        self.connection.execute(sql, (ids,))

    def _remove_text(self, module: Module, records: set[int]) -> None:
        """Remove the text of records that are gone: some may not be, as a job that dropped one may have been undone."""
        for suffix, ids in self._by_range(module, records):
            for family in self._layout.families(module):
                sql = (
                    f"DELETE FROM {family.stem}{suffix} WHERE rowid IN"
                    f" (SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM {module.table}))"
                )
                self.connection.execute(sql, (ids,))

    def _by_range(self, module: Module, records: set[int]) -> Iterator[tuple[str, str]]:
        """The records of each range of the full text: its suffix, and a JSON array of ids."""
        ranges = fulltext.text_ranges(self.connection, module)
        for text_range, ids in fulltext.by_range(ranges, records):
            yield text_range.suffix, _encode(ids).decode()
