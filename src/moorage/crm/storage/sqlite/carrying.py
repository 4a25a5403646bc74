"""An organisation's SQLite file as rows, and a file made of rows."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import apsw

from moorage.crm.metadata.catalog import Catalog, Module
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
from moorage.crm.storage.sqlite import schema
from moorage.crm.storage.sqlite.metadata_change import set_version, version
from moorage.crm.storage.sqlite.readers import connect, transaction
from moorage.crm.storage.sqlite.transaction import SqliteTransaction

_TYPES: Mapping[str, ColumnType] = {"TEXT": "text", "INTEGER": "integer", "REAL": "real"}
_DECLARED = {column_type: declared for declared, column_type in _TYPES.items()}


class FileRows:
    """`OrganisationRows` of a connection to a file, which has begun a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @property
    def version(self) -> int:
        return version(self._connection)

    def documents(self) -> Sequence[DocumentRow]:
        sql = "SELECT id, kind, module, name, body FROM metadata ORDER BY position"
        rows: list[DocumentRow] = self._connection.execute(sql).fetchall()  # type: ignore[assignment]
        return rows

    def counters(self) -> Mapping[str, int]:
        return dict(self._connection.execute("SELECT name, value FROM counters ORDER BY name"))

    def columns(self, table: str) -> Mapping[str, ColumnType]:
        rows = self._connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return {name: _TYPES[declared] for name, declared in rows}

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Part]:
        cursor = self._connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id")
        while part := list(islice(cursor, PART)):
            yield part


@contextlib.contextmanager
def file_rows(path: Path) -> Iterator[FileRows]:
    """The rows of a file that is not in use, such as a snapshot."""
    with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        connection.execute("BEGIN")
        yield FileRows(connection)


def write_file(path: Path, rows: OrganisationRows, progress: Progress = lambda _: None) -> None:
    """Make an organisation's file at a path where there is none. It is one file, without a log beside it."""
    documents = rows.documents()
    catalog = catalog_of(documents)
    path.touch(0o600)
    with contextlib.closing(connect(path)) as connection:
        # The file is thrown away if this process dies before it is whole.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        with transaction(connection):
            _write_fixed(connection, documents, rows)
        for module in catalog.modules.values():
            _write_module(connection, catalog, module, rows, progress)
        set_version(connection, rows.version)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = DELETE")
        with transaction(connection):  # The last commit writes all to the disk.
            connection.execute("UPDATE counters SET value = value WHERE name = 'id'")


def _write_fixed(
    connection: apsw.Connection, documents: Sequence[DocumentRow], rows: OrganisationRows
) -> None:
    for statement in schema.FIXED:
        connection.execute(statement)
    sql = "INSERT INTO metadata (id, kind, module, name, body) VALUES (?, ?, ?, ?, ?)"
    connection.executemany(sql, documents)
    counters = [(name, value) for name, value in rows.counters().items() if is_carried(name)]
    connection.executemany("INSERT INTO counters VALUES (?, ?)", counters)
    for table, columns in FIXED_TABLES.items():
        for part in rows.rows(table, columns):
            _insert(connection, table, columns, part)


def _write_module(
    connection: apsw.Connection,
    catalog: Catalog,
    module: Module,
    rows: OrganisationRows,
    progress: Progress,
) -> None:
    known = rows.columns(module.table)
    with transaction(connection):
        connection.execute(schema.table_statement(module))
        columns = {name for (name,) in _column_names(connection, module)}
        for name, column_type in known.items():
            if name not in columns:  # The values of a removed field are kept.
                connection.execute(f"ALTER TABLE {module.table} ADD COLUMN {name} {_DECLARED[column_type]}")
    for statement in schema.text_statements(module):
        connection.execute(statement)
    changes = SqliteTransaction(connection, catalog, 0, 0)
    for part in rows.rows(module.table, list(known)) if known else ():
        with transaction(connection):
            _insert(connection, module.table, list(known), part)
            if module.full_text:
                place = list(known).index("id")
                changes.index_text(module, {row[place] for row in part})
        progress(len(part))
    for statement in schema.index_statements(module):
        connection.execute(statement)


def _column_names(connection: apsw.Connection, module: Module) -> apsw.Cursor:
    return connection.execute("SELECT name FROM pragma_table_info(?)", (module.table,))


def _insert(connection: apsw.Connection, table: str, columns: Sequence[str], part: Part) -> None:
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    connection.executemany(sql, part)
