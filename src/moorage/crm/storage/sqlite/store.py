"""One organisation's records in one SQLite file.

Reads that an index backs run in the caller's thread, because to hand them to another one costs more than the read. All
other reads run in threads of their own. So do reads that take too long although an index backs them: it may lead to
very many records, or past many before the few that match. Writes go to the one writer. Every acknowledged write is
flushed to disk (synchronous=FULL).
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import apsw
import msgspec

from moorage.bounded import Bounded
from moorage.clock import Clock
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.metadata.times import zoned
from moorage.crm.query.selection import Selection
from moorage.crm.storage.companions import companion as companion_of
from moorage.crm.storage.compile import Clause, compile_present, compile_tree, listed
from moorage.crm.storage.contract.companions import Companion, CompanionPage, CompanionsOf
from moorage.crm.storage.contract.lines import Column, Lines
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import (
    Deleted,
    Filter,
    FlagIs,
    Ids,
    ModifiedSince,
    Order,
    Page,
    Position,
    Present,
    RecordStore,
    StoreClosed,
    TookTooLong,
    Transaction,
    Window,
)
from moorage.crm.storage.contract.recycle_bin import BinEntry, InBin
from moorage.crm.storage.paging import INDEXED_ORDERS, direction_of, page_of, where_of
from moorage.crm.storage.recycle_bin import TABLE as RECYCLE
from moorage.crm.storage.recycle_bin import BinQuestions, entry
from moorage.crm.storage.selecting import is_short
from moorage.crm.storage.sqlite import companions, fulltext
from moorage.crm.storage.sqlite.change_mark import ChangeMark
from moorage.crm.storage.sqlite.dialect import SqliteDialect
from moorage.crm.storage.sqlite.files import SqliteFileReads
from moorage.crm.storage.sqlite.fulltext import TextRange
from moorage.crm.storage.sqlite.lines import line_expression
from moorage.crm.storage.sqlite.metadata_change import MetadataChange, version
from moorage.crm.storage.sqlite.moment import moment
from moorage.crm.storage.sqlite.projection import Projection, time_expression
from moorage.crm.storage.sqlite.readers import AsideReaders, OrganisationFile, Reader, ReadThreads
from moorage.crm.storage.sqlite.selecting import statement
from moorage.crm.storage.sqlite.text_layout import Conditions, TextLayout, TextQuery, read_places
from moorage.crm.storage.sqlite.transaction import BIN_TEXT, SqliteTransaction
from moorage.crm.storage.sqlite.trouble import translated
from moorage.crm.storage.sqlite.within import SqliteWithin
from moorage.crm.storage.sqlite.writer import Writer
from moorage.crm.storage.together import together

T = TypeVar("T")

_BIN = BinQuestions(RECYCLE, BIN_TEXT)

MAX_MODIFIED = 2_000  # Fewer modified records are found by their time and then sorted; more are met in order.

# SQLite plans by the value of a bare parameter of LIMIT, so it compiles the statement again for each execution. That
# takes longer than a page of a few records. Only what has to be sorted needs such a plan.
_HIDDEN = "CAST(? AS INTEGER)"


class SqliteStore:
    """`prefix` is the first seven digits of all ids of the organisation, `known_version` the version of the catalog."""

    confirm = None

    def __init__(
        self,
        file: OrganisationFile,
        catalog: Catalog,
        prefix: int,
        zone: ZoneInfo,
        clock: Clock,
        threads: ReadThreads,
        *,
        mark: ChangeMark,
        known_version: int,
        listener: Listener | None = None,
    ) -> None:
        self._version = known_version
        self._catalog = catalog
        self._zone = zone
        self._threads = threads
        self._projection = Projection(catalog, zone, clock.now())
        self._time = time_expression(zone, clock.now())
        self._shown: Bounded[tuple[str, Shape], str] = Bounded(1000)  # Callers choose the fields.
        self._file = file
        self._closed = False
        self._mark = mark
        self._seen: bytes | None = None  # The mark when the metadata were last seen to be unchanged.
        self._prefix = prefix
        self._clock = clock
        self._reader = Reader(self._connect())
        self._layout = TextLayout(catalog, self._reader.whole(read_places))
        self._dialect = SqliteDialect(self._layout, self._text_ranges)
        self._aside_readers = AsideReaders(self._connect, threads.are_stopped)
        self._writer = Writer(
            self._connect,
            self._begin,
            listener,
        )

    @property
    def closed(self) -> bool:
        if not self._closed and (self._seen is None or self._mark.now() != self._seen):
            self._look()
        return self._closed

    def _look(self) -> None:
        """Find out whether the metadata have changed."""
        mark = self._mark.now()
        if self._reader.whole(version) != self._version:
            self._closed = True
        elif self._mark.is_settled():
            self._seen = mark

    def _begin(self, connection: apsw.Connection) -> SqliteTransaction:
        """Raises StoreClosed if the metadata have changed: the jobs were prepared by older ones."""
        if version(connection) != self._version:
            self._closed = True
            raise StoreClosed
        now = int(self._clock.timestamp())
        return SqliteTransaction(connection, self._catalog, self._prefix, now, self._layout)

    def _connect(self) -> apsw.Connection:
        try:
            connection = self._file.connect()
        except StoreClosed:
            self._closed = True
            raise
        except apsw.Error as error:
            raise translated(error) from None
        connection.create_scalar_function("zoned", self._zoned, 1, deterministic=True)
        return connection

    def _zoned(self, *arguments: Any) -> str | None:
        return zoned(self._zone, arguments[0])

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page | Awaitable[Page]:
        clauses = [self._clause(module, each) for each in filters]
        text = next((clause for clause in clauses if clause.query is not None), None)
        if text is not None and order.field.api_name == "id":
            others = [clause for clause in clauses if clause is not text]
            return self._aside(self._text_query(module, shape, text, others, order, window), text=True)
        # The records come in their order from an index, and nearly all of them match; or their ids are known.
        walks = order.field.api_name in INDEXED_ORDERS and all(isinstance(each, FlagIs) for each in filters)
        walks = walks or (order.field.api_name == "id" and any(clause.ids is not None for clause in clauses))
        query = self._page_query(module, shape, clauses, order, window, sorts=not walks)
        if order.field.api_name in INDEXED_ORDERS and all(clause.indexed for clause in clauses):
            return self._brief(query)
        return self._aside(query)

    def record(self, module: Module, shape: Shape, record: int) -> bytes | None:
        sql = f"SELECT {self._json(module, shape)} FROM {module.table} r WHERE r.id = ?"
        row = self._open_reader().whole(lambda connection: connection.execute(sql, (record,)).fetchone())
        return row[0].encode() if row else None

    def count(self, module: Module, filters: Sequence[Filter]) -> Awaitable[int]:
        where, params = where_of([self._clause(module, each) for each in filters])
        sql = f"SELECT count(*) FROM {module.table} r{where}"
        return self._aside(lambda connection: int(connection.execute(sql, params).get))

    def lines(
        self, module: Module, columns: Sequence[Column], filters: Sequence[Filter], after: int, limit: int
    ) -> Awaitable[Lines]:
        clauses = [
            Clause("r.id > ?", (after,), indexed=True),
            *(self._clause(module, each) for each in filters),
        ]
        where, params = where_of(clauses)
        expression, shown = line_expression(self._catalog, columns, self._time)
        sql = (
            f"SELECT group_concat(line, ''), count(*), max(id) FROM"
            f" (SELECT r.id AS id, {expression} AS line FROM {module.table} r{where} ORDER BY r.id LIMIT ?)"
        )

        def query(connection: apsw.Connection) -> Lines:
            row: Any = connection.execute(sql, (*shown, *params, limit)).fetchone()
            data, count, last = row
            return Lines((data or "").encode(), count, last)

        return self._aside(query)

    def select(self, selection: Selection, filters: Sequence[Filter]) -> Page | Awaitable[Page]:
        asked = [*filters, selection.conditions] if selection.conditions is not None else filters
        clauses = [self._clause(selection.module, each) for each in asked]
        sql, params = statement(selection, clauses, self._projection, self._dialect)
        window = Window(selection.limit, selection.offset)

        def query(connection: apsw.Connection) -> Page:
            return page_of(connection.execute(sql, params).fetchall(), window, _array)

        return self._brief(query) if is_short(selection, clauses) else self._aside(query)

    def deleted(self, module: Module, which: Deleted, window: Window) -> Page | Awaitable[Page]:
        conditions = [Clause("r.module = ?", (module.number,), indexed=True)]
        if which.kind is not None:
            conditions.append(Clause("r.kind = ?", (which.kind,), indexed=True))
        if which.since is not None:
            conditions.append(Clause("r.deleted_time >= ?", (which.since,), indexed=True))
        where, params = where_of(conditions)
        sql = (
            f"SELECT NULL, r.id, json_object('deleted_by', {_person('r.deleted_by')}, 'id', CAST(r.id AS TEXT),"
            " 'display_name', r.display_name, 'type', r.kind,"
            f" 'created_by', {_person('r.created_by')}, 'deleted_time', {self._time('r.deleted_time')})"
            f" FROM recycle r{where} ORDER BY r.deleted_time DESC, r.id DESC LIMIT ? OFFSET ?"
        )
        values = (*params, window.limit + 1, window.offset)
        return self._brief(
            lambda connection: page_of(connection.execute(sql, values).fetchall(), window, _array)
        )

    def bin_entries(self, which: InBin, window: Window) -> Awaitable[Sequence[BinEntry]]:
        sql, params = _BIN.entries(which, window.limit + 1, window.offset)
        return self._aside(lambda connection: [entry(row) for row in connection.execute(sql, params)])

    def bin_count(self, which: InBin) -> Awaitable[int]:
        sql, params = _BIN.count(which)
        return self._aside(lambda connection: int(connection.execute(sql, params).get))

    def companions(self, which: CompanionsOf, window: Window) -> CompanionPage | Awaitable[CompanionPage]:
        return self._brief(companions.query(which, window))

    def companion(self, kind: str, companion: int) -> Companion | None:
        rows = self._open_reader().whole(companions.single(kind, companion))
        return companion_of(rows[0]) if rows else None

    @property
    def files(self) -> SqliteFileReads:
        return SqliteFileReads(self._file, self._open_reader().whole)

    def write(self, job: Callable[[Transaction], T]) -> Awaitable[T]:
        if self._file.is_gone():  # A write into a deleted file would be acknowledged and lost.
            self._closed = True
            raise StoreClosed
        return self._writer.submit(job)

    async def change_metadata(self, job: Callable[[MetadataTransaction], T]) -> T:
        if self._file.is_gone():
            self._closed = True
            raise StoreClosed

        def run(transaction: SqliteTransaction) -> T:
            change = MetadataChange(transaction)
            result = job(change)
            change.finish()
            return result

        return await self._writer.submit(run, alone=self._mark.changing)

    async def together(self, work: Callable[[RecordStore], Awaitable[T]], seconds: float) -> T:
        if self._file.is_gone():
            self._closed = True
            raise StoreClosed
        submit = partial(self._writer.submit, alone=contextlib.nullcontext)
        return await together(submit, SqliteWithin(self, seconds), work, seconds)

    def moment(self) -> AbstractAsyncContextManager[RecordStore]:
        return moment(self, self._connect, self._version)

    def read_with(self, reader: Any, aside: Any, file: Any = None) -> None:
        """Read with other connections from now on. This is for a copy of a store."""
        self._closed, self._reader, self._aside_readers = False, reader, aside
        self._file = file or self._file
        self._dialect = SqliteDialect(self._layout, self._text_ranges)

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        self._reader.close()
        self._aside_readers.close()

    def _json(self, module: Module, shape: Shape) -> str:
        key = (module.api_name, shape)
        sql = self._shown.get(key)
        if sql is None:
            sql = self._shown[key] = self._projection.json(module, shape.names, whole=shape.whole)
        return sql

    def _page_query(
        self,
        module: Module,
        shape: Shape,
        clauses: list[Clause],
        order: Order,
        window: Window,
        *,
        sorts: bool,
    ) -> Callable[[apsw.Connection], Page]:
        """`sorts` says that more records have to be sorted than the page will show."""
        by_id = order.field.api_name == "id"
        # Text is sorted regardless of case, as it is compared.
        collation = " COLLATE NOCASE" if order.field.storage == "text" else ""
        key = "NULL" if by_id else f"r.{order.field.column}{collation}"
        descending = order.descending is not window.backwards
        if window.start is not None:
            clauses = [*clauses, _beyond(window.start, key, descending=descending)]
        direction = direction_of(descending)
        columns = f"r.id {direction}" if by_id else f"{key} {direction}, r.id {direction}"
        shown, table = f"SELECT {key}, r.id, {self._json(module, shape)} FROM", module.table
        where, params = where_of(clauses)
        chosen = f"{table} r{where} ORDER BY {columns}"
        sql = f"{shown} {chosen} LIMIT {_HIDDEN} OFFSET {_HIDDEN}"
        if sorts:
            # The ids come first: else SQLite builds the JSON of all records that it sorts.
            few = f"(SELECT r.id AS id FROM {chosen} LIMIT ? OFFSET ?)"
            sql = f"{shown} {few} c JOIN {table} r ON r.id = c.id ORDER BY {columns}"
        values = (*params, window.limit + 1, window.offset)
        return lambda connection: page_of(connection.execute(sql, values).fetchall(), window, _array)

    def _text_query(
        self,
        module: Module,
        shape: Shape,
        text: Clause,
        others: Sequence[Clause],
        order: Order,
        window: Window,
    ) -> Callable[[apsw.Connection], Page]:
        """A page by id: the tables of the full text are read one after the other, until the page is full."""
        descending = order.descending is not window.backwards
        start = window.start.id if window.start is not None else None
        ranges = fulltext.beyond(self._text_ranges(module), start, descending=descending)
        conditions = self._layout.conditions(module, cast("TextQuery", text.query))
        selects = [
            _matches(module, conditions, text_range, others, start, descending) for text_range in ranges
        ]
        shown = f"SELECT NULL, r.id, {self._json(module, shape)} FROM {module.table} r"
        shown += f" WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id {direction_of(descending)}"
        most = window.offset + window.limit + 1

        def query(connection: apsw.Connection) -> Page:
            ids: list[int] = []
            with connection:  # Between the statements nothing may change.
                for sql, params in selects:
                    ids += [row[0] for row in connection.execute(sql, (*params, most - len(ids)))]
                    if len(ids) == most:
                        break
                page_ids = msgspec.json.encode(ids[window.offset :]).decode()
                rows = connection.execute(shown, (page_ids,)).fetchall()
            return page_of(rows, window, _array)

        return query

    def _clause(self, module: Module, each: Filter) -> Clause:
        match each:
            case Ids(ids):
                return listed("SELECT value FROM json_each(?)", (msgspec.json.encode(ids).decode(),))
            case ModifiedSince(timestamp):
                return self._modified_since(module, timestamp)
            case FlagIs(field, value):
                # Few records have such a flag set, so that a page of the others is soon full.
                return Clause(f"r.{field.column} IS {int(value)}", (), indexed=not value)
            case Present(other, record):
                return compile_present(other, record, self._dialect)
            case checked:
                return compile_tree(checked, module, self._catalog, self._dialect)

    def _modified_since(self, module: Module, timestamp: int) -> Clause:
        column = module.fields["Modified_Time"].column
        modified = f"SELECT x.id FROM {module.table} x WHERE x.{column} >= ?"
        sql = f"SELECT count(*) FROM ({modified} LIMIT {MAX_MODIFIED})"
        count: int = self._open_reader().whole(lambda connection: connection.execute(sql, (timestamp,)).get)
        if count < MAX_MODIFIED:
            # SQLite by itself would walk in the order of the page, past all records that did not change.
            return listed(modified, (timestamp,))
        return Clause(f"r.{column} >= ?", (timestamp,), indexed=True)

    def _text_ranges(self, module: Module) -> list[TextRange]:
        return self._open_reader().whole(lambda connection: fulltext.text_ranges(connection, module))

    def _open_reader(self) -> Reader:
        if self._closed:
            raise StoreClosed
        return self._reader

    def _brief(self, query: Callable[[apsw.Connection], T]) -> T | Awaitable[T]:
        try:
            return self._open_reader().brief(query)
        except TookTooLong:
            return self._aside(query)

    def _aside(self, query: Callable[[apsw.Connection], T], *, text: bool = False) -> Awaitable[T]:
        return self._aside_readers.read(self._threads.text if text else self._threads.scans, query)


def _matches(
    module: Module,
    conditions: Conditions,
    text_range: TextRange,
    others: Sequence[Clause],
    start: int | None,
    descending: bool,
) -> tuple[str, tuple[object, ...]]:
    """The statement that gives ids from one range of the full text; its last parameter is how many at most."""
    (stem, match), *more = conditions[0]
    if more or len(conditions) > 1:
        ids, values = fulltext.matching_ids(conditions, text_range.suffix)
        key, tables = "r.id", f"{module.table} r"
        clauses = [Clause(f"r.id IN ({ids})", values, indexed=False), *others]
    else:
        text = f"{stem}{text_range.suffix}"
        key, tables = (
            f"{text}.rowid",
            f"{text} CROSS JOIN {module.table} r ON r.id = {text}.rowid",
        )  # Led by the text.
        clauses = [Clause(f"{text} MATCH ?", (match,), indexed=False), *others]
    if start is not None:
        clauses.append(Clause(f"{key} {'<' if descending else '>'} ?", (start,), indexed=True))
    where, params = where_of(clauses)
    return f"SELECT {key} FROM {tables}{where} ORDER BY {key} {direction_of(descending)} LIMIT ?", params


def _beyond(start: Position, key: str, *, descending: bool) -> Clause:
    comparison = "<" if descending else ">"
    if start.key is None:
        return Clause(f"r.id {comparison} ?", (start.id,), indexed=True)
    return Clause(f"({key}, r.id) {comparison} (?, ?)", (start.key, start.id), indexed=True)


def _array(rows: list[Any]) -> bytes:
    """The JSON array of rows (key, id, JSON)."""
    return f"[{','.join([row[2] for row in rows])}]".encode()


def _person(column: str) -> str:
    name = "json_object('name', u.full_name, 'id', CAST(u.id AS TEXT))"
    return f"json((SELECT {name} FROM users u WHERE u.id = {column}))"
