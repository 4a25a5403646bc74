"""The statements with which a store reads records, for what the schema has at the moment.

Each carries the version of the metadata: when that has changed, it gives no rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.query.selection import Selection
from moorage.crm.storage.companions import SELECTED, conditions_of, several_of
from moorage.crm.storage.companions import TABLE as COMPANIONS
from moorage.crm.storage.compile import Clause, compile_present, compile_tree
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.lines import Column
from moorage.crm.storage.contract.records import (
    Deleted,
    Filter,
    FlagIs,
    Ids,
    ModifiedSince,
    Order,
    Position,
    Present,
    Window,
)
from moorage.crm.storage.contract.recycle_bin import InBin
from moorage.crm.storage.paging import INDEXED_ORDERS, direction_of, where_of
from moorage.crm.storage.postgresql import fulltext
from moorage.crm.storage.postgresql.companions import among
from moorage.crm.storage.postgresql.dialect import PostgresqlDialect
from moorage.crm.storage.postgresql.expressions import BIN_TEXT, nocase
from moorage.crm.storage.postgresql.inventory import Inventory
from moorage.crm.storage.postgresql.lexemes import TextQuery
from moorage.crm.storage.recycle_bin import TABLE as RECYCLE
from moorage.crm.storage.recycle_bin import BinQuestions
from moorage.crm.storage.selecting import (
    Drawn,
    Groups,
    Tables,
    drawn_records,
    flag_unset,
    is_short,
    order_of_records,
)

ALL_OF_A_RANGE = 1_000_000_000


class Question(msgspec.Struct, frozen=True):
    """A statement. It is `slow` if no index leads to the few records that it gives."""

    sql: str
    params: tuple[Any, ...]
    slow: bool = False


class Questions:
    """The statements about one organisation's schema."""

    def __init__(self, schema: str, inventory: Inventory, catalog: Catalog) -> None:
        self.dialect = PostgresqlDialect(schema, inventory)
        self._schema = schema
        self._inventory = inventory
        self._catalog = catalog
        self._bin = BinQuestions(f"{schema}.{RECYCLE}", BIN_TEXT)
        self._is_current = Clause(
            f"(SELECT v.value FROM {schema}.counters v WHERE v.name = 'version') = %s",
            (inventory.version,),
            indexed=True,
        )

    def record(self, module: Module, columns: Sequence[str], record: int) -> Question:
        """Rows have no key of an order, the id, and the columns."""
        where, params = where_of([self._is_current, Clause("r.id = %s", (record,), indexed=True)])
        sql = f"SELECT {_listed(['NULL', 'r.id', *columns])} FROM {self.dialect.table(module)} r{where}"
        return Question(sql, params)

    def page(
        self,
        module: Module,
        columns: Sequence[str],
        filters: Sequence[Filter],
        order: Order,
        window: Window,
    ) -> Question:
        """Rows have the key of the order, the id, and the columns. There is one row more if others follow."""
        clauses = [self._clause(module, each) for each in filters]
        text = next((clause for clause in clauses if clause.query is not None), None)
        if text is not None and order.field.api_name == "id":
            others = [clause for clause in clauses if clause is not text]
            return self._text_page(module, columns, text, others, order, window)
        slow = not (order.field.api_name in INDEXED_ORDERS and all(clause.indexed for clause in clauses))
        by_id = order.field.api_name == "id"
        column = f"r.{order.field.column}"
        key = nocase(column) if order.field.storage == "text" else column
        descending = order.descending is not window.backwards
        if window.start is not None:
            clauses.append(_beyond(window.start, key, descending=descending))
        where, params = where_of([self._is_current, *clauses])
        direction = direction_of(descending)
        # Records without a value come first in ascending order, and last in descending order.
        nulls = "LAST" if descending else "FIRST"
        by = f"r.id {direction}" if by_id else f"{key} {direction} NULLS {nulls}, r.id {direction}"
        shown = _listed(["NULL" if by_id else column, "r.id", *columns])
        sql = f"SELECT {shown} FROM {self.dialect.table(module)} r{where} ORDER BY {by}"
        # The server plans by these numbers only if they stand in the statement.
        return Question(f"{sql} LIMIT {window.limit + 1} OFFSET {window.offset}", params, slow)

    def select(
        self,
        selection: Selection,
        filters: Sequence[Filter],
        columns: Callable[[Sequence[Drawn]], Sequence[str]],
    ) -> Question:
        """Rows have NULL, an id or NULL, and the columns of what is drawn. There is one row more if others follow."""
        asked = [*filters, selection.conditions] if selection.conditions is not None else filters
        clauses = [self._clause(selection.module, each) for each in asked]
        window = f" LIMIT {selection.limit + 1} OFFSET {selection.offset}"
        slow = not is_short(selection, clauses)
        if selection.groups is not None:
            groups = Groups(selection, clauses, self.dialect)
            source, params = groups.source
            # A group of no records is a row as well, so that the version has to be asked for outside.
            where, version = where_of([self._is_current])
            shown = _listed(["NULL", "NULL", *columns(groups.drawn)])
            return Question(
                f"SELECT {shown} FROM {source}{where}{groups.order}{window}", (*params, *version), slow
            )
        flag = flag_unset(selection)
        if flag is not None and not filters:
            return self._walk(selection, flag, columns, slow=slow)
        tables = Tables(selection.module, self.dialect)
        drawn = drawn_records(selection, tables)
        order, more = order_of_records(selection, tables, self.dialect)
        where, params = where_of([self._is_current, *clauses])
        shown = _listed(["NULL", "r.id", *columns(drawn)])
        sql = f"SELECT {shown} FROM {tables.first}{tables.joins}{where}{order}{window}"
        return Question(sql, (*params, *more), slow)

    def _walk(
        self,
        selection: Selection,
        flag: Field,
        columns: Callable[[Sequence[Drawn]], Sequence[str]],
        *,
        slow: bool,
    ) -> Question:
        """The ids come first, from the index that has those of the records in which the flag is not set."""
        inner, tables = Tables(selection.module, self.dialect), Tables(selection.module, self.dialect)
        shown = _listed(["NULL", "r.id", *columns(drawn_records(selection, tables))])
        # An order that an index has, has no parameters.
        by, _ = order_of_records(selection, inner, self.dialect)
        order, _ = order_of_records(selection, tables, self.dialect)
        window = f" LIMIT {selection.limit + 1} OFFSET {selection.offset}"
        few = f"SELECT r.id AS id FROM {inner.first} WHERE r.{flag.column} = 0{by}{window}"
        where, params = where_of([self._is_current])
        sql = f"SELECT {shown} FROM ({few}) c JOIN {tables.first} ON r.id = c.id{tables.joins}{where}{order}"
        return Question(sql, params, slow)

    def count(self, module: Module, filters: Sequence[Filter]) -> Question:
        clauses = [self._clause(module, each) for each in filters]
        where, params = where_of([self._is_current, *clauses])
        return Question(f"SELECT count(*) FROM {self.dialect.table(module)} r{where}", params, slow=True)

    def lines(
        self, module: Module, columns: Sequence[Column], filters: Sequence[Filter], after: int, limit: int
    ) -> Question:
        """Rows have the id, and the value of each column as it is stored."""
        behind = Clause("r.id > %s", (after,), indexed=True)
        where, params = where_of(
            [self._is_current, behind, *(self._clause(module, each) for each in filters)]
        )
        values = _listed(["r.id", *(self._value(column) for column in columns)])
        sql = f"SELECT {values} FROM {self.dialect.table(module)} r{where} ORDER BY r.id LIMIT {int(limit)}"
        return Question(sql, params, slow=True)

    def _value(self, column: Column) -> str:
        if column.through is None:
            return f"r.{column.field.column}"
        target = self._catalog.modules[column.through.lookup or ""]
        if not self._inventory.has(target):
            return "NULL"
        table = self.dialect.table(target)
        return f"(SELECT x.{column.field.column} FROM {table} x WHERE x.id = r.{column.through.column})"

    def deleted(self, module: Module, which: Deleted, window: Window) -> Question:
        """Rows have no key, the id, who deleted it, its name, its kind, who created it, and when it was deleted."""
        clauses = [self._is_current, Clause("r.module = %s", (module.number,), indexed=True)]
        if which.kind is not None:
            clauses.append(Clause("r.kind = %s", (which.kind,), indexed=True))
        if which.since is not None:
            clauses.append(Clause("r.deleted_time >= %s", (which.since,), indexed=True))
        where, params = where_of(clauses)
        columns = "NULL, r.id, r.deleted_by, r.display_name, r.kind, r.created_by, r.deleted_time"
        sql = (
            f"SELECT {columns} FROM {self._schema}.{RECYCLE} r{where} ORDER BY r.deleted_time DESC, r.id DESC"
        )
        return Question(f"{sql} LIMIT {window.limit + 1} OFFSET {window.offset}", params)

    def bin_entries(self, which: InBin, window: Window) -> Question:
        return self._of_bin(self._bin.entries(which, window.limit + 1, window.offset))

    def bin_count(self, which: InBin) -> Question:
        return self._of_bin(self._bin.count(which))

    def _of_bin(self, statement: tuple[str, Sequence[Any]]) -> Question:
        sql, params = statement
        current = self._is_current
        where = f" WHERE {current.sql} AND "
        return Question(
            sql.replace("?", "%s").replace(" WHERE ", where, 1), (*current.params, *params), slow=True
        )

    def companions(self, which: CompanionsOf, window: Window) -> Question:
        """Rows have the columns of `companions.COLUMNS`."""
        conditions = conditions_of(which)
        clauses = [Clause(f"{column} = %s", (value,), indexed=True) for column, value in conditions.items()]
        clauses += [
            Clause(among(column), (values,), indexed=True) for column, values in several_of(which).items()
        ]
        where, params = where_of([self._is_current, *clauses])
        table, direction = f"{self._schema}.{COMPANIONS}", direction_of(which.newest_first)
        sql = f"SELECT {SELECTED} FROM {table}{where} ORDER BY id {direction}"
        return Question(f"{sql} LIMIT {window.limit + 1} OFFSET {window.offset}", params)

    def companion(self, kind: str, companion: int) -> Question:
        own = Clause("id = %s AND kind = %s", (companion, kind), indexed=True)
        where, params = where_of([self._is_current, own])
        return Question(f"SELECT {SELECTED} FROM {self._schema}.{COMPANIONS}{where}", params)

    def _text_page(
        self,
        module: Module,
        columns: Sequence[str],
        text: Clause,
        others: Sequence[Clause],
        order: Order,
        window: Window,
    ) -> Question:
        """A page by id: the tables of the full text are read one after the other, until the page is full."""
        descending = order.descending is not window.backwards
        tables = self._inventory.texts_of(module)
        start = window.start.id if window.start is not None else None
        assert isinstance(text.query, TextQuery)
        ranges = [
            fulltext.matching_in_range(self._schema, module, first, text.query)
            for first in fulltext.beyond(tables, start, descending=descending)
        ] or [("SELECT NULL::bigint AS id WHERE FALSE", ())]
        most = window.offset + window.limit + 1
        limit = most if not others else ALL_OF_A_RANGE
        parts = [self._chosen(module, ranges, others, start, limit, descending=descending)]
        if tables.has_long:
            long = [fulltext.matching_long(self._schema, module, text.query)]
            parts.append(self._chosen(module, long, others, start, limit, descending=descending))
        where, version = where_of([self._is_current])
        params = (*(value for _, values in parts for value in values), *version)
        shown, page = _listed(["NULL", "r.id", *columns]), f"LIMIT {window.limit + 1} OFFSET {window.offset}"
        if len(parts) == 1:
            return Question(f"SELECT {shown} FROM {parts[0][0]}{where} {page}", params)
        chosen = " UNION ALL ".join(f"(SELECT r.id FROM {sql} LIMIT {most})" for sql, _ in parts)
        sql = (
            f"SELECT {shown} FROM ({chosen}) c JOIN {self.dialect.table(module)} r ON r.id = c.id{where}"
            f" ORDER BY r.id {direction_of(descending)} {page}"
        )
        return Question(sql, params)

    def _chosen(
        self,
        module: Module,
        selects: Sequence[tuple[str, tuple[object, ...]]],
        others: Sequence[Clause],
        start: int | None,
        limit: int,
        *,
        descending: bool,
    ) -> tuple[str, tuple[object, ...]]:
        """A source of the records `r` whose ids are selected and that meet the other conditions, in their order.

        The server takes the selects in turn, and no more of each than it needs: it looks at one record after the
        other, because of `OFFSET 0`, and not at all that match. Selects with a limit never run at the same time.
        """
        where = ""
        beyond: tuple[int, ...] = ()
        if start is not None:
            where, beyond = f" WHERE t.id {'<' if descending else '>'} %s", (start,)
        by_id = f"ORDER BY t.id {direction_of(descending)} LIMIT {limit}"
        union = " UNION ALL ".join(f"(SELECT t.id FROM ({sql}) t{where} {by_id})" for sql, _ in selects)
        params = [value for _, values in selects for value in (*values, *beyond)]
        conditions, more = where_of([Clause("r.id = s.id", (), indexed=True), *others])
        record = f"SELECT * FROM {self.dialect.table(module)} r{conditions} OFFSET 0"
        return f"({union}) s CROSS JOIN LATERAL ({record}) r", (*params, *more)

    def _clause(self, module: Module, each: Filter) -> Clause:
        match each:
            case Ids(ids):
                return Clause("r.id = ANY(%s::bigint[])", (list(ids),), indexed=True)
            case ModifiedSince(timestamp):
                # The server plans by the time only if it stands in the statement: few records may be younger, or all.
                column = module.fields["Modified_Time"].column
                return Clause(f"r.{column} >= {int(timestamp)}", (), indexed=True)
            case FlagIs(field, value):
                # Few records have such a flag set, so that a page of the others is soon full.
                return Clause(f"r.{field.column} = {int(value)}", (), indexed=not value)
            case Present(other, record):
                return compile_present(other, record, self.dialect)
            case checked:
                return compile_tree(checked, module, self._catalog, self.dialect)


def _listed(expressions: Sequence[str]) -> str:
    return ", ".join(expressions)


def _beyond(start: Position, key: str, *, descending: bool) -> Clause:
    comparison = "<" if descending else ">"
    if start.key is None:
        return Clause(f"r.id {comparison} %s", (start.id,), indexed=True)
    value = nocase("%s") if isinstance(start.key, str) and key.startswith("lower") else "%s"
    return Clause(f"({key}, r.id) {comparison} ({value}, %s)", (start.key, start.id), indexed=True)
