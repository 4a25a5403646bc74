"""An organisation's schema as rows, and a schema made of rows. All goes in parts, as there may be very many records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import Connection

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.carried import (
    FOLLOWED,
    PART,
    STILL,
    carried_counters,
    catalog_of,
    later_creation,
    part_of,
    tables_beside_modules,
)
from moorage.crm.storage.contract.departures import (
    ChangedIds,
    ColumnType,
    DocumentRow,
    OrganisationRows,
    Part,
    Progress,
)
from moorage.crm.storage.postgresql import fulltext, schema
from moorage.crm.storage.postgresql.documents import READ_DOCUMENTS
from moorage.crm.storage.postgresql.fulltext import TextTables
from moorage.crm.storage.postgresql.statements import Statements
from moorage.crm.storage.postgresql.table_statistics import MANY, look_at

_COLUMNS = """
    SELECT attribute.attname, attribute.atttypid::regtype::text
    FROM pg_attribute attribute JOIN pg_class relation ON relation.oid = attribute.attrelid
    JOIN pg_namespace namespace ON namespace.oid = relation.relnamespace
    WHERE namespace.nspname = %s AND relation.relname = %s AND attribute.attnum > 0 AND NOT attribute.attisdropped
    ORDER BY attribute.attnum
"""
_TYPES: Mapping[str, ColumnType] = {
    "text": "text",
    "bigint": "integer",
    "integer": "integer",
    "smallint": "integer",
    "double precision": "real",
    "bytea": "bytes",
}
_DECLARED: Mapping[ColumnType, str] = {
    "text": 'text COLLATE "C"',
    "integer": "bigint",
    "real": "double precision",
    "bytes": "bytea",
}


class SchemaRows:
    """`OrganisationRows` of a connection that has begun a REPEATABLE READ transaction."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    @property
    def version(self) -> int:
        return self.counters()["version"]

    def documents(self) -> Sequence[DocumentRow]:
        return self._connection.execute(READ_DOCUMENTS.format(self._name)).fetchall()

    def counters(self) -> Mapping[str, int]:
        return dict(self._connection.execute(f"SELECT name, value FROM {self._name}.counters").fetchall())

    def columns(self, table: str) -> Mapping[str, ColumnType]:
        return {
            name: _TYPES[kind] for name, kind in _column_types(self._connection, self._name, table).items()
        }

    def rows(self, table: str, columns: Sequence[str], ids: Sequence[int] | None = None) -> Iterator[Part]:
        """Each part is a statement of its own: without a transaction, it holds up no change of the table for long."""
        types = _column_types(self._connection, self._name, table)
        place, last = list(columns).index("id"), -1
        chosen = "" if ids is None else " AND id = ANY(%s)"
        most = part_of(table, PART)
        sql = f"SELECT {', '.join(columns)} FROM {self._name}.{table} WHERE id > %s{chosen} ORDER BY id LIMIT {most}"
        while True:
            params = (last,) if ids is None else (last, list(ids))
            with self._connection.cursor().copy(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)", params) as copy:
                copy.set_types([types[column] for column in columns])
                part = list(copy.rows())
            if part:
                yield part
            if len(part) < most:
                return
            last = part[-1][place]


def fill_schema(
    connection: Connection, name: str, rows: OrganisationRows, progress: Progress = lambda _: None
) -> None:
    """Make a schema of rows, in the connection's open transaction."""
    copy = SchemaCopy(connection, name)
    copy.fill(rows, progress)
    copy.index()


class SchemaCopy:
    """An `Arriving` in the connection's open transaction. Only modules with records get tables."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._modules: Sequence[Module] = ()
        self._is_indexed = False
        self._added: Counter[str] = Counter()  # Rows, by table.

    def fill(self, rows: OrganisationRows, progress: Progress) -> None:
        documents = rows.documents()
        self._modules = list(catalog_of(documents).modules.values())
        for statement in schema.fixed_statements(self._name):
            self._connection.execute(statement)
        metadata = self._table("metadata", ("position", "id", "kind", "module", "name", "body"))
        metadata.add([(position, *document) for position, document in enumerate(documents, 1)])
        self._table("counters", ("name", "value")).add([("version", rows.version)])
        self._add_counters(rows)
        for table, columns in tables_beside_modules(rows).items():
            self._add_fixed(table, columns, rows)
        for module in self._modules:
            self._add_records(module, rows, None, progress)

    def index(self) -> None:
        self._is_indexed = True
        for module in self._modules:
            if self._has(module):
                self._index(module)
        for table, count in self._added.items():
            if count >= MANY:
                self._connection.execute(look_at(self._name, table))

    def change(self, rows: OrganisationRows, changed: ChangedIds) -> None:
        """All rows are removed before the first is written: unique values may have changed hands."""
        modules = [module for module in self._modules if module.table in changed]
        for module in modules:
            self._remove_records(module, list(changed[module.table]))
        for module in modules:
            self._add_records(module, rows, list(changed[module.table]))
        for table, columns in tables_beside_modules(rows).items():
            if table not in STILL:
                self._change_fixed(table, columns, rows, changed)
        self._remove_counters()
        self._add_counters(rows)

    def _change_fixed(
        self, table: str, columns: Sequence[str], rows: OrganisationRows, changed: ChangedIds
    ) -> None:
        ids = list(changed.get(table, ())) if table in FOLLOWED else None
        if ids == []:
            return
        self._make_later(table)
        chosen = "" if ids is None else " WHERE id = ANY(%s)"
        self._connection.execute(f"DELETE FROM {self._name}.{table}{chosen}", None if ids is None else (ids,))
        self._add_fixed(table, columns, rows, ids)

    def _add_fixed(
        self, table: str, columns: Sequence[str], rows: OrganisationRows, ids: Sequence[int] | None = None
    ) -> None:
        added: _Table | None = None
        for part in rows.rows(table, columns, ids):
            if added is None:
                self._make_later(table)
                added = self._table(table, columns)
            added.add(part)
            self._added[table] += len(part)

    def _make_later(self, table: str) -> None:
        """Make a table that an organisation has only if something is in it."""
        for statement in later_creation(table, f"{self._name}.", "bigint"):
            self._connection.execute(statement)

    def _types_of(self, table: str) -> Mapping[str, str]:
        return _column_types(self._connection, self._name, table)

    def _remove_counters(self) -> None:
        names = [name for name, _ in carried_counters(SchemaRows(self._connection, self._name))]
        self._connection.execute(f"DELETE FROM {self._name}.counters WHERE name = ANY(%s)", (names,))

    def _add_counters(self, rows: OrganisationRows) -> None:
        self._table("counters", ("name", "value")).add(carried_counters(rows))

    def _add_records(
        self,
        module: Module,
        rows: OrganisationRows,
        ids: Sequence[int] | None,
        progress: Progress = lambda _: None,
    ) -> None:
        """Add records with their words. With `ids`, only those."""
        known = rows.columns(module.table)
        columns, table = list(known), None
        for part in rows.rows(module.table, columns, ids) if known else ():
            if table is None:
                self._make_tables(module, known)
                table, texts = self._table(module.table, columns), self._text_tables(module)
            table.add(part)
            self._added[module.table] += len(part)
            if module.full_text:
                text_rows = [dict(zip(columns, row, strict=True)) for row in part]
                cursor = self._connection.cursor()
                texts = fulltext.index(cursor, self._name, module, texts, text_rows, new=True)
            progress(len(part))

    def _remove_records(self, module: Module, ids: list[int]) -> None:
        if not self._has(module):
            return
        self._connection.execute(f"DELETE FROM {self._name}.{module.table} WHERE id = ANY(%s)", (ids,))
        if module.full_text:
            texts = self._text_tables(module)
            fulltext.remove(self._connection.cursor(), self._name, module, texts, ids)

    def _make_tables(self, module: Module, known: Mapping[str, ColumnType]) -> None:
        if self._has(module):
            return
        self._connection.execute(schema.table_statement(self._name, module))
        columns = _column_types(self._connection, self._name, module.table)
        for column, column_type in known.items():
            if column not in columns:  # The values of a removed field are kept.
                self._connection.execute(
                    f"ALTER TABLE {self._name}.{module.table} ADD COLUMN {column} {_DECLARED[column_type]}"
                )
        for statement in schema.text_statements(self._name, module):
            self._connection.execute(statement)
        if self._is_indexed:
            self._index(module)

    def _index(self, module: Module) -> None:
        for statement in schema.index_statements(self._name, module):
            self._connection.execute(statement)

    def _has(self, module: Module) -> bool:
        return bool(self._types_of(module.table))

    def _text_tables(self, module: Module) -> TextTables:
        counters = self._connection.execute(fulltext.READ_COUNTERS.format(schema=self._name))
        return fulltext.tables_of(module, fulltext.read_text_tables(counters))

    def _table(self, table: str, columns: Sequence[str]) -> "_Table":
        return _Table(self._connection, self._name, table, columns)


class _Table:
    """A table that gets rows. Its types are asked for once, and not for each part."""

    def __init__(self, connection: Connection, name: str, table: str, columns: Sequence[str]) -> None:
        types = _column_types(connection, name, table)
        self._statements = Statements(connection)
        self._name = f"{name}.{table}"
        self._columns = columns
        self._types = [types[column] for column in columns]

    def add(self, part: Sequence[Sequence[Any]]) -> None:
        self._statements.write(self._name, self._columns, self._types, part)


def _column_types(connection: Connection, name: str, table: str) -> Mapping[str, str]:
    return dict(connection.execute(_COLUMNS, (name, table)).fetchall())
