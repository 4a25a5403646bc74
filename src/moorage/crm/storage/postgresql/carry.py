"""An organisation's schema as rows, and a schema made of rows. All goes in parts, as there may be very many records."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from psycopg import Connection

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.carried import (
    FIXED_TABLES,
    PART,
    ColumnType,
    DocumentRow,
    OrganisationRows,
    Part,
    Progress,
    catalog_of,
    is_carried,
)
from moorage.crm.storage.postgresql import fulltext, schema
from moorage.crm.storage.postgresql.documents import READ_DOCUMENTS
from moorage.crm.storage.postgresql.fulltext import TextTables
from moorage.crm.storage.postgresql.statements import Statements

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
}
_DECLARED: Mapping[ColumnType, str] = {
    "text": 'text COLLATE "C"',
    "integer": "bigint",
    "real": "double precision",
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

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Part]:
        types = _column_types(self._connection, self._name, table)
        sql = f"SELECT {', '.join(columns)} FROM {self._name}.{table} ORDER BY id"
        with self._connection.cursor().copy(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types([types[column] for column in columns])
            rows = copy.rows()
            while part := list(islice(rows, PART)):
                yield part


def fill_schema(
    connection: Connection, name: str, rows: OrganisationRows, progress: Progress = lambda _: None
) -> None:
    """Make a schema of rows, in the connection's open transaction. Only modules with records get tables."""
    documents = rows.documents()
    catalog = catalog_of(documents)
    for statement in schema.fixed_statements(name):
        connection.execute(statement)
    metadata = _Table(connection, name, "metadata", ("position", "id", "kind", "module", "name", "body"))
    metadata.add([(position, *document) for position, document in enumerate(documents, 1)])
    counters = [(counter, value) for counter, value in rows.counters().items() if is_carried(counter)]
    _Table(connection, name, "counters", ("name", "value")).add([*counters, ("version", rows.version)])
    for fixed, columns in FIXED_TABLES.items():
        table = _Table(connection, name, fixed, columns)
        for part in rows.rows(fixed, columns):
            table.add(part)
    for module in catalog.modules.values():
        _fill_module(connection, name, module, rows, progress)


def _fill_module(
    connection: Connection, name: str, module: Module, rows: OrganisationRows, progress: Progress
) -> None:
    known = rows.columns(module.table)
    columns, texts = list(known), TextTables()
    table: _Table | None = None
    for part in rows.rows(module.table, columns) if known else ():
        if table is None:
            _make_tables(connection, name, module, known)
            table = _Table(connection, name, module.table, columns)
        table.add(part)
        if module.full_text:
            text_rows = [dict(zip(columns, row, strict=True)) for row in part]
            texts = fulltext.index(connection.cursor(), name, module, texts, text_rows, new=True)
        progress(len(part))
    if table is not None:
        for statement in schema.index_statements(name, module):
            connection.execute(statement)


def _make_tables(connection: Connection, name: str, module: Module, known: Mapping[str, ColumnType]) -> None:
    connection.execute(schema.table_statement(name, module))
    columns = _column_types(connection, name, module.table)
    for column, column_type in known.items():
        if column not in columns:  # The values of a removed field are kept.
            connection.execute(
                f"ALTER TABLE {name}.{module.table} ADD COLUMN {column} {_DECLARED[column_type]}"
            )
    for statement in schema.text_statements(name, module):
        connection.execute(statement)


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
