"""One organisation's records in one SQLite file.

Reads that an index backs run where they are called, because handing them to a thread costs more than they do; the rest
run aside in a thread. Writes go to the one writer. Every acknowledged write is flushed to disk (synchronous=FULL).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import apsw
import msgspec

from moorage.clock import Clock
from moorage.crm.catalog import Catalog, Module
from moorage.crm.store import compile as compiled
from moorage.crm.store.compile import Clause
from moorage.crm.store.contract import (
    Deleted,
    EmailIs,
    Filter,
    FlagIs,
    Ids,
    ModifiedSince,
    Order,
    OrganisationGone,
    Page,
    PhoneIs,
    Position,
    Shape,
    Transaction,
    Window,
    Words,
)
from moorage.crm.store.projection import Projection, time_expression, zoned
from moorage.crm.store.transaction import SqliteTransaction
from moorage.crm.store.writer import Writer

T = TypeVar("T")

INDEXED_ORDERS = frozenset({"id", "Created_Time", "Modified_Time"})

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",
    "PRAGMA mmap_size = 2147483648",
    "PRAGMA temp_store = MEMORY",
    # The default of 1,000 pages checkpoints so often that inserts lose a third of their speed (measured).
    "PRAGMA wal_autocheckpoint = 16000",
)


def connect(path: Path, *, create: bool = False) -> apsw.Connection:
    """A connection set up as every one to an organisation's file is."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=200)
    connection.set_busy_timeout(10_000)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


class SqliteStore:
    """`prefix` are the first seven digits of every id of the organisation."""

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        prefix: int,
        zone: ZoneInfo,
        clock: Clock,
        aside: ThreadPoolExecutor,
    ) -> None:
        self._path = path
        self._catalog = catalog
        self._zone = zone
        self._aside_threads = aside
        self._aside_connections: list[apsw.Connection] = []
        self._projection = Projection(catalog, zone, clock.now())
        self._time = time_expression(zone, clock.now())
        self._shown: dict[tuple[str, Shape], str] = {}
        self._file = _identity(path)
        self._reader = self._connect()
        self._writer = Writer(
            self._open,
            lambda connection: SqliteTransaction(connection, catalog, prefix, int(clock.timestamp())),
        )

    def _connect(self) -> apsw.Connection:
        connection = self._open()
        connection.create_scalar_function("zoned", self._zoned, 1, deterministic=True)
        return connection

    def _open(self) -> apsw.Connection:
        """A connection to the file the store was opened on. Raises OrganisationGone when it is no longer there."""
        try:
            connection = connect(self._path)
        except apsw.CantOpenError as error:
            raise OrganisationGone from error
        if self.gone():
            connection.close()
            raise OrganisationGone
        return connection

    def gone(self) -> bool:
        # Another process may delete an organisation and make one of the same name, whose file has the same path.
        return _identity(self._path) != self._file

    def _zoned(self, *arguments: Any) -> str | None:
        return zoned(self._zone, arguments[0])

    def shape(self, module: Module, fields: Sequence[str] | None, *, whole: bool = False) -> Shape:
        if fields is None:
            return Shape(self._projection.all_names(module, whole=whole), whole)
        if whole:
            known = (n for n in dict.fromkeys(fields) if n != "id" and self._projection.knows(module, n))
            return Shape(tuple(known), whole)
        return Shape(self._projection.list_names(module, list(fields)), whole)

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page | Awaitable[Page]:
        clauses = [self._clause(module, one) for one in filters]
        query = self._page_query(module, shape, clauses, order, window)
        if order.field.api_name in INDEXED_ORDERS and all(clause.indexed for clause in clauses):
            return query(self._reader)
        return self._aside(query)

    def record(self, module: Module, shape: Shape, record: int) -> bytes | None:
        sql = f"SELECT {self._json(module, shape)} FROM {module.table} r WHERE r.id = ?"
        row = self._reader.execute(sql, (record,)).fetchone()
        return row[0].encode() if row else None

    def count(self, module: Module, filters: Sequence[Filter]) -> Awaitable[int]:
        where, params = _where([self._clause(module, one) for one in filters])
        sql = f"SELECT count(*) FROM {module.table} r{where}"
        return self._aside(lambda connection: int(connection.execute(sql, params).get))

    def deleted(self, module: Module, which: Deleted, window: Window) -> Page:
        conditions = [Clause("r.module = ?", (module.number,), indexed=True)]
        if which.kind is not None:
            conditions.append(Clause("r.kind = ?", (which.kind,), indexed=True))
        if which.since is not None:
            conditions.append(Clause("r.deleted_time >= ?", (which.since,), indexed=True))
        where, params = _where(conditions)
        sql = (
            f"SELECT NULL, r.id, json_object('deleted_by', {_person('r.deleted_by')}, 'id', CAST(r.id AS TEXT),"
            " 'display_name', r.display_name, 'type', r.kind,"
            f" 'created_by', {_person('r.created_by')}, 'deleted_time', {self._time('r.deleted_time')})"
            f" FROM recycle r{where} ORDER BY r.deleted_time DESC, r.id DESC LIMIT ? OFFSET ?"
        )
        rows = self._reader.execute(sql, (*params, window.limit + 1, window.offset)).fetchall()
        return _page(rows, window)

    def write(self, job: Callable[[Transaction], T]) -> Awaitable[T]:
        if self.gone():
            raise OrganisationGone  # What is written into a deleted file would be acknowledged and lost.
        return self._writer.submit(job)

    def documents(self) -> list[Mapping[str, Any]]:
        rows = self._reader.execute("SELECT id, kind, module, name, body FROM metadata ORDER BY position")
        return [dict(zip(("id", "kind", "module", "name", "body"), row, strict=True)) for row in rows]

    def close(self) -> None:
        self._writer.close()
        self._reader.close()
        while self._aside_connections:
            self._aside_connections.pop().close()

    def _json(self, module: Module, shape: Shape) -> str:
        key = (module.api_name, shape)
        sql = self._shown.get(key)
        if sql is None:
            if len(self._shown) > 1000:
                self._shown.clear()  # Callers choose the fields, so the memory for them must have an end.
            sql = self._shown[key] = self._projection.json(module, shape.names, whole=shape.whole)
        return sql

    def _page_query(
        self, module: Module, shape: Shape, clauses: list[Clause], order: Order, window: Window
    ) -> Callable[[apsw.Connection], Page]:
        by_id = order.field.api_name == "id"
        # Text is put in order regardless of case, as it is compared.
        collation = " COLLATE NOCASE" if order.field.storage == "text" else ""
        key = "NULL" if by_id else f"r.{order.field.column}{collation}"
        descending = order.descending is not window.backwards
        if window.start is not None:
            clauses = [*clauses, _beyond(window.start, key, descending=descending)]
        where, params = _where(clauses)
        direction = "DESC" if descending else "ASC"
        columns = f"r.id {direction}" if by_id else f"{key} {direction}, r.id {direction}"
        sql = (
            f"SELECT {key}, r.id, {self._json(module, shape)} FROM {module.table} r{where}"
            f" ORDER BY {columns} LIMIT ? OFFSET ?"
        )
        values = (*params, window.limit + 1, window.offset)
        return lambda connection: _page(connection.execute(sql, values).fetchall(), window)

    def _clause(self, module: Module, one: Filter) -> Clause:
        match one:
            case Ids(ids):
                listed = msgspec.json.encode(ids).decode()
                return Clause("r.id IN (SELECT value FROM json_each(?))", (listed,), indexed=True)
            case ModifiedSince(timestamp):
                column = module.fields["Modified_Time"].column
                return Clause(f"r.{column} >= ?", (timestamp,), indexed=True)
            case FlagIs(field, value):
                # Nearly every record has the value asked for, so walking in order meets a page of them soon.
                return Clause(f"r.{field.column} IS {int(value)}", (), indexed=True)
            case Words(text):
                return compiled.word_clause(module, text)
            case EmailIs(text):
                return compiled.email_clause(module, text)
            case PhoneIs(text):
                return compiled.phone_clause(module, text)
            case checked:
                return compiled.compile_conditions(checked, module, self._catalog)

    def _aside(self, query: Callable[[apsw.Connection], T]) -> Awaitable[T]:
        def run() -> T:
            connection = self._aside_connections.pop() if self._aside_connections else self._connect()
            try:
                return query(connection)
            finally:
                self._aside_connections.append(connection)

        return asyncio.get_running_loop().run_in_executor(self._aside_threads, run)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of the same path; a restore and a reset leave it as it is."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _beyond(start: Position, key: str, *, descending: bool) -> Clause:
    comparison = "<" if descending else ">"
    if start.key is None:
        return Clause(f"r.id {comparison} ?", (start.id,), indexed=True)
    return Clause(f"({key}, r.id) {comparison} (?, ?)", (start.key, start.id), indexed=True)


def _where(clauses: Sequence[Clause]) -> tuple[str, tuple[object, ...]]:
    if not clauses:
        return "", ()
    sql = " AND ".join(f"({clause.sql})" for clause in clauses)
    return f" WHERE {sql}", tuple(value for clause in clauses for value in clause.params)


def _page(rows: list[Any], window: Window) -> Page:
    """Of rows (key, id, JSON), one more than the window wants so that it shows whether others follow."""
    more = len(rows) > window.limit
    del rows[window.limit :]
    if window.backwards:
        rows.reverse()
        more = True
    return Page(
        data=f"[{','.join([row[2] for row in rows])}]".encode(),
        count=len(rows),
        first=Position(rows[0][0], rows[0][1]) if rows else None,
        last=Position(rows[-1][0], rows[-1][1]) if rows else None,
        more=more,
    )


def _person(column: str) -> str:
    name = "json_object('name', u.full_name, 'id', CAST(u.id AS TEXT))"
    return f"json((SELECT {name} FROM users u WHERE u.id = {column}))"
