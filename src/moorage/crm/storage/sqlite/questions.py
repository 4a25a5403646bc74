"""The statements with which a store reads records, and how long each may take."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import apsw
import msgspec

from moorage.bounded import Bounded
from moorage.clock import Clock
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.query.selection import Selection
from moorage.crm.storage.compile import Clause, compile_present, compile_tree, listed
from moorage.crm.storage.contract.lines import Column, Lines
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
    Window,
)
from moorage.crm.storage.contract.recycle_bin import BinEntry, InBin
from moorage.crm.storage.paging import INDEXED_ORDERS, direction_of, page_of, where_of
from moorage.crm.storage.recycle_bin import TABLE as RECYCLE
from moorage.crm.storage.recycle_bin import BinQuestions, entry
from moorage.crm.storage.selecting import flag_unset, is_short
from moorage.crm.storage.sqlite import fulltext
from moorage.crm.storage.sqlite.dialect import SqliteDialect
from moorage.crm.storage.sqlite.fulltext import TextRange
from moorage.crm.storage.sqlite.lines import line_expression
from moorage.crm.storage.sqlite.projection import Projection, time_expression
from moorage.crm.storage.sqlite.schema import unset
from moorage.crm.storage.sqlite.selecting import statement
from moorage.crm.storage.sqlite.text_layout import TextLayout, TextQuery
from moorage.crm.storage.sqlite.transaction import BIN_TEXT

T = TypeVar("T")
Query: TypeAlias = Callable[[apsw.Connection], T]

_BIN = BinQuestions(RECYCLE, BIN_TEXT)

MAX_MODIFIED = 2_000  # Fewer modified records are found by their time and then sorted; more are met in order.

# SQLite plans by the value of a bare parameter of LIMIT, so it compiles the statement again for each execution. That
# takes longer than a page of a few records. Only what has to be sorted needs such a plan.
_HIDDEN = "CAST(? AS INTEGER)"


class Question(NamedTuple, Generic[T]):
    """`answer` gives it. A question is brief if an index leads to the few records that it needs."""

    answer: Query[T]
    brief: bool = False
    searches_text: bool = False


class Questions:
    """The questions about one organisation. `ask` answers one that is always short, at once."""

    def __init__(
        self,
        catalog: Catalog,
        zone: ZoneInfo,
        clock: Clock,
        layout: TextLayout,
        ask: Callable[[Query[Any]], Any],
    ) -> None:
        self._catalog = catalog
        self._projection = Projection(catalog, zone, clock.now())
        self._time = time_expression(zone, clock.now())
        self._shown: Bounded[tuple[str, Shape], str] = Bounded(1000)  # Callers choose the fields.
        # A selection that is asked again is the same object.
        self._selected: WeakKeyDictionary[Selection, Question[Page]] = WeakKeyDictionary()
        self._layout = layout
        self._ask = ask
        self._dialect = SqliteDialect(layout, self._text_ranges)

    def read_with(self, ask: Callable[[Query[Any]], Any]) -> None:
        """Ask another connection from now on. This is for a copy."""
        self._ask = ask
        self._dialect = SqliteDialect(self._layout, self._text_ranges)

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Question[Page]:
        clauses = [self._clause(module, each) for each in filters]
        text = next((clause for clause in clauses if clause.query is not None), None)
        if text is not None and order.field.api_name == "id":
            others = [clause for clause in clauses if clause is not text]
            query = self._text_query(module, shape, text, others, order, window)
            return Question(query, searches_text=True)
        # The records come in their order from an index, and nearly all of them match; or their ids are known.
        walks = order.field.api_name in INDEXED_ORDERS and all(isinstance(each, FlagIs) for each in filters)
        walks = walks or (order.field.api_name == "id" and any(clause.ids is not None for clause in clauses))
        query = self._page_query(module, shape, clauses, order, window, sorts=not walks)
        brief = order.field.api_name in INDEXED_ORDERS and all(clause.indexed for clause in clauses)
        return Question(query, brief)

    def record(self, module: Module, shape: Shape, record: int) -> Query[bytes | None]:
        sql = f"SELECT {self._json(module, shape)} FROM {module.table} r WHERE r.id = ?"

        def query(connection: apsw.Connection) -> bytes | None:
            row: Any = connection.execute(sql, (record,)).fetchone()
            return row[0].encode() if row else None

        return query

    def count(self, module: Module, filters: Sequence[Filter]) -> Question[int]:
        clauses = [self._clause(module, each) for each in filters]
        match filters:
            case [FlagIs(field, False)]:
                clauses = [_unset(field)]
        where, params = where_of(clauses)
        sql = f"SELECT count(*) FROM {module.table} r{where}"
        return Question(lambda connection: int(connection.execute(sql, params).get))

    def lines(
        self, module: Module, columns: Sequence[Column], filters: Sequence[Filter], after: int, limit: int
    ) -> Question[Lines]:
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

        return Question(query)

    def select(self, selection: Selection, filters: Sequence[Filter]) -> Question[Page]:
        known = None if filters else self._selected.get(selection)
        if known is not None:
            return known
        asked = [*filters, selection.conditions] if selection.conditions is not None else filters
        clauses = [self._clause(selection.module, each) for each in asked]
        flag = flag_unset(selection)
        if flag is not None and not filters:
            clauses = [_unset(flag)]
        sql, params = statement(selection, clauses, self._projection, self._dialect)
        window = Window(selection.limit, selection.offset)

        def query(connection: apsw.Connection) -> Page:
            return page_of(connection.execute(sql, params).fetchall(), window, _array)

        question = Question(query, is_short(selection, clauses))
        # The statement of a search in the full text depends on how far the tables of the text reach now.
        if not filters and not any(clause.text for clause in clauses):
            self._selected[selection] = question
        return question

    def deleted(self, module: Module, which: Deleted, window: Window) -> Question[Page]:
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

        def query(connection: apsw.Connection) -> Page:
            return page_of(connection.execute(sql, values).fetchall(), window, _array)

        return Question(query, brief=True)

    def bin_entries(self, which: InBin, window: Window) -> Question[Sequence[BinEntry]]:
        sql, params = _BIN.entries(which, window.limit + 1, window.offset)
        return Question(lambda connection: [entry(row) for row in connection.execute(sql, params)])

    def bin_count(self, which: InBin) -> Question[int]:
        sql, params = _BIN.count(which)
        return Question(lambda connection: int(connection.execute(sql, params).get))

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
    ) -> Query[Page]:
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
    ) -> Query[Page]:
        """A page by id: the tables of the full text are read one after the other, until the page is full."""
        descending = order.descending is not window.backwards
        start = window.start.id if window.start is not None else None
        ranges = fulltext.beyond(self._text_ranges(module), start, descending=descending)
        conditions = self._layout.conditions(module, cast("TextQuery", text.query))
        selects = [
            fulltext.ids_in_range(module, conditions, text_range, others, start, descending)
            for text_range in ranges
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
        count: int = self._ask(lambda connection: connection.execute(sql, (timestamp,)).get)
        if count < MAX_MODIFIED:
            # SQLite by itself would walk in the order of the page, past all records that did not change.
            return listed(modified, (timestamp,))
        return Clause(f"r.{column} >= ?", (timestamp,), indexed=True)

    def _text_ranges(self, module: Module) -> list[TextRange]:
        ranges: list[TextRange] = self._ask(lambda connection: fulltext.text_ranges(connection, module))
        return ranges


def _unset(flag: Field) -> Clause:
    """The records in which a flag is not set, from the index that has them in the order of their ids."""
    return Clause(unset(f"r.{flag.column}"), (), indexed=False)


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
