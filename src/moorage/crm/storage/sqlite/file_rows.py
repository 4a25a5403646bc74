"""An organisation's SQLite file as rows, and a file made of rows."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

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
from moorage.crm.storage.files import PARTS
from moorage.crm.storage.sqlite import schema
from moorage.crm.storage.sqlite.long_files import LongFiles
from moorage.crm.storage.sqlite.metadata_change import set_version, version
from moorage.crm.storage.sqlite.readers import connect, transaction
from moorage.crm.storage.sqlite.transaction import SqliteTransaction

_TYPES: Mapping[str, ColumnType] = {"TEXT": "text", "INTEGER": "integer", "REAL": "real", "BLOB": "bytes"}
_DECLARED = {column_type: declared for declared, column_type in _TYPES.items()}
_CHOSEN = "id IN (SELECT value FROM json_each(?))"


class FileRows:
    """`OrganisationRows` of a connection to a file. They are of one moment if it has begun a transaction.

    The `long_files` beside it have the bytes of some parts.
    """

    def __init__(self, connection: apsw.Connection, long_files: LongFiles | None = None) -> None:
        self._connection = connection
        self._long_files = long_files

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

    def rows(self, table: str, columns: Sequence[str], ids: Sequence[int] | None = None) -> Iterator[Part]:
        """Each part is a statement of its own: without a transaction, the file's log is not kept from being emptied."""
        place = list(columns).index("id")
        last: Any = -1
        chosen, params = ("", ()) if ids is None else (f" AND {_CHOSEN}", (_array(ids),))
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE id > ?{chosen} ORDER BY id"
        sql += f" LIMIT {part_of(table, PART)}"
        while part := self._connection.execute(sql, (last, *params)).fetchall():
            if table == PARTS and self._long_files is not None:
                part = self._long_files.whole(part, list(columns).index("data"))
            yield part
            last = part[-1][place]


@contextlib.contextmanager
def rows_of(path: Path) -> Iterator[FileRows]:
    """The rows of a file that is not in use, such as a snapshot."""
    with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        connection.execute("BEGIN")
        yield FileRows(connection, LongFiles(path))


def write_file(path: Path, rows: OrganisationRows, progress: Progress = lambda _: None) -> None:
    """Make an organisation's file at a path where there is none. It is one file, without a log beside it."""
    with unsafe_file(path) as connection:
        copy = FileCopy(connection)
        copy.fill(rows, progress)
        copy.index()


@contextlib.contextmanager
def unsafe_file(path: Path) -> Iterator[apsw.Connection]:
    """A connection to a new file, which has to be thrown away if anything fails before it has its indexes."""
    path.touch(0o600)
    with contextlib.closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


class FileCopy:
    """An `Arriving` in an unsafe file. Once it has its indexes, all of it is on the disk, and so are later changes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._modules: Sequence[Module] = ()
        self._changes: SqliteTransaction

    def fill(self, rows: OrganisationRows, progress: Progress) -> None:
        documents = rows.documents()
        catalog = catalog_of(documents)
        self._modules = list(catalog.modules.values())
        self._changes = SqliteTransaction(self._connection, catalog, 0, 0)
        with transaction(self._connection):
            self._write_fixed(documents, rows)
        for module in self._modules:
            self._write_module(module, rows, progress)
        set_version(self._connection, rows.version)

    def index(self) -> None:
        with transaction(self._connection):
            for module in self._modules:
                for statement in schema.index_statements(module):
                    self._connection.execute(statement)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA journal_mode = DELETE")
        with transaction(self._connection):  # The first commit since then writes all to the disk.
            self._connection.execute("UPDATE counters SET value = value WHERE name = 'id'")

    def change(self, rows: OrganisationRows, changed: ChangedIds) -> None:
        """All rows are removed before the first is written: unique values may have changed hands."""
        modules = [module for module in self._modules if module.table in changed]
        with transaction(self._connection):
            for module in modules:
                self._changes.drop(module, changed[module.table])
            for module in modules:
                known = list(rows.columns(module.table))
                for part in rows.rows(module.table, known, changed[module.table]) if known else ():
                    self._insert_records(module, known, part)
            self._changes.finish()
            for table, columns in tables_beside_modules(rows).items():
                if table not in STILL:
                    self._change_fixed(table, columns, rows, changed)
            self._connection.execute("DELETE FROM counters")
            self._insert_counters(rows)

    def _write_fixed(self, documents: Sequence[DocumentRow], rows: OrganisationRows) -> None:
        for statement in schema.FIXED:
            self._connection.execute(statement)
        self._insert("metadata", ("id", "kind", "module", "name", "body"), documents)
        self._insert_counters(rows)
        for table, columns in tables_beside_modules(rows).items():
            self._insert_fixed(table, columns, rows)

    def _insert_fixed(
        self, table: str, columns: Sequence[str], rows: OrganisationRows, ids: Sequence[int] | None = None
    ) -> None:
        for part in rows.rows(table, columns, ids):
            self._make_later(table)
            self._insert(table, columns, part)

    def _make_later(self, table: str) -> None:
        """Make a table that an organisation has only if something is in it."""
        for statement in later_creation(table, "", "INTEGER"):
            self._connection.execute(statement)

    def _change_fixed(
        self, table: str, columns: Sequence[str], rows: OrganisationRows, changed: ChangedIds
    ) -> None:
        ids = changed.get(table, ()) if table in FOLLOWED else None
        if ids is not None and not ids:
            return
        self._make_later(table)
        chosen = "" if ids is None else f" WHERE {_CHOSEN}"
        self._connection.execute(f"DELETE FROM {table}{chosen}", () if ids is None else (_array(ids),))
        self._insert_fixed(table, columns, rows, ids)

    def _write_module(self, module: Module, rows: OrganisationRows, progress: Progress) -> None:
        known = rows.columns(module.table)
        with transaction(self._connection):
            self._make_table(module, known)
        for statement in schema.text_statements(module):
            self._connection.execute(statement)
        for part in rows.rows(module.table, list(known)) if known else ():
            with transaction(self._connection):
                self._insert_records(module, list(known), part)
            progress(len(part))

    def _make_table(self, module: Module, known: Mapping[str, ColumnType]) -> None:
        table, connection = module.table, self._connection
        connection.execute(schema.table_statement(module))
        columns = {row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
        for name, column_type in known.items():
            if name not in columns:  # The values of a removed field are kept.
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {_DECLARED[column_type]}")

    def _insert_records(self, module: Module, columns: Sequence[str], part: Part) -> None:
        self._insert(module.table, columns, part)
        if module.full_text:
            place = columns.index("id")
            self._changes.index_text(module, {row[place] for row in part})

    def _insert_counters(self, rows: OrganisationRows) -> None:
        self._insert("counters", ("name", "value"), carried_counters(rows))

    def _insert(self, table: str, columns: Sequence[str], part: Part) -> None:
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        self._connection.executemany(sql, part)


def _array(ids: Sequence[int]) -> str:
    return msgspec.json.encode(ids).decode()
