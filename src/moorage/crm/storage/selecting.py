"""Selections as SQL: what all engines have in common.

The table of the selection's module is `r`. Each record behind a lookup has an alias of its own. Groups are rows of an
inner SELECT, whose alias is `g`.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from moorage.crm.metadata.catalog import Field, Module, Storage
from moorage.crm.query.selection import Aggregated, Column, Selection, Sort, Value
from moorage.crm.query.tree import Equal, Step
from moorage.crm.storage.columns import RARE_FLAGS
from moorage.crm.storage.compile import Clause, Dialect
from moorage.crm.storage.contract.aggregates import MOST_PLACES
from moorage.crm.storage.paging import INDEXED_ORDERS, where_of

Params: TypeAlias = tuple[object, ...]
Sql: TypeAlias = tuple[str, Params]


class Drawn(Struct, frozen=True):
    """A value as an expression, and how it is shown: as a value of the field, or of the storage if that is None.

    With `texts`, the text is shown that stands there for the value.
    """

    key: str
    expression: str
    storage: Storage
    field: Field | None = None
    texts: tuple[tuple[int, str], ...] | None = None


class Tables:
    """The tables that columns are in."""

    def __init__(self, module: Module, dialect: Dialect) -> None:
        self._dialect = dialect
        self._aliases: dict[tuple[Step, ...], str] = {(): "r"}
        self._joins: list[str] = []
        self.first = f"{dialect.table(module)} r"

    @property
    def joins(self) -> str:
        """The tables behind lookups, for those columns that were asked for until now."""
        return "".join(self._joins)

    def column(self, column: Column) -> str:
        return f"{self._row(column.way)}.{column.field.column}"

    def value(self, column: Column) -> Sql:
        """What the column holds; of a column with texts, the text."""
        expression = self.column(column)
        return (expression, ()) if column.texts is None else text_of(expression, column.texts, self._dialect)

    def _row(self, way: tuple[Step, ...]) -> str:
        alias = self._aliases.get(way)
        if alias is None:
            before, step = self._row(way[:-1]), way[-1]
            alias = self._aliases[way] = f"j{len(self._joins)}"
            table = self._dialect.table(step.module, whole=True)
            self._joins.append(f" LEFT JOIN {table} {alias} ON {alias}.id = {before}.{step.lookup.column}")
        return alias


def text_of(expression: str, texts: Sequence[tuple[int, str]], dialect: Dialect) -> Sql:
    """The text that stands for a number, as an expression."""
    if not texts:
        return "NULL", ()
    cases = " ".join(f"WHEN {number:d} THEN {dialect.parameter}" for number, _ in texts)
    return f"CASE {expression} {cases} END", tuple(text for _, text in texts)


def drawn_records(selection: Selection, tables: Tables) -> list[Drawn]:
    """The values of a selection of records."""
    drawn = []
    for shown in selection.shown:
        column = shown.value
        assert isinstance(column, Column)
        storage = column.field.storage
        drawn.append(Drawn(shown.key, tables.column(column), storage, column.field, column.texts))
    return drawn


def order_of_records(selection: Selection, tables: Tables, dialect: Dialect) -> Sql:
    """The ORDER BY of a selection of records."""
    keys: list[str] = []
    params: list[object] = []
    for sort in selection.orders:
        assert isinstance(sort.value, Column)
        expression, more = tables.value(sort.value)
        keys.append(_key(sort, expression, dialect))
        params += more
        if sort.value.field.storage == "id" and not sort.value.way:
            break  # No two records are equal behind this.
    else:
        keys.append("r.id ASC")
    return f" ORDER BY {', '.join(keys)}", tuple(params)


def _key(sort: Sort, expression: str, dialect: Dialect) -> str:
    value = sort.value
    if isinstance(value, Column) and value.is_text:
        expression = dialect.ordered_text(expression)
    if isinstance(value, Column) and value.field.storage == "id" and not value.way:
        return f"{expression} {'DESC' if sort.descending else 'ASC'}"  # An index has this order.
    return f"{expression} {'DESC NULLS LAST' if sort.descending else 'ASC NULLS FIRST'}"


class Groups:
    """A selection of groups: `source` is the inner SELECT, and its columns are `k0`, `k1` and so on."""

    def __init__(self, selection: Selection, clauses: Sequence[Clause], dialect: Dialect) -> None:
        assert selection.groups is not None
        self._dialect = dialect
        self._tables = Tables(selection.module, dialect)
        self._names: dict[Value, str] = {}
        self._columns: list[str] = []
        self._params: list[object] = []
        by = [self._group(column) for column in selection.groups]
        for value in (*(s.value for s in selection.shown), *(s.value for s in selection.orders)):
            if isinstance(value, Aggregated) and value not in self._names:
                self._add(value, self._aggregate(value), ())
        where, params = where_of(clauses)
        group_by = f" GROUP BY {', '.join(sql for sql, _ in by)}" if by else ""
        columns = ", ".join(self._columns)
        self.source = (
            f"(SELECT {columns} FROM {self._tables.first}{self._tables.joins}{where}{group_by}) g",
            (*self._params, *params, *(value for _, values in by for value in values)),
        )
        self.drawn = [self._drawn(shown.key, shown.value) for shown in selection.shown]
        self.order = self._order(selection)

    def _group(self, column: Column) -> Sql:
        """Add a column of groups; gives what it is grouped by."""
        expression, params = self._tables.value(column)
        if column.is_text:
            self._add(column, f"min({self._dialect.exact_text(f'({expression})')})", params)
            return self._dialect.ordered_text(f"({expression})"), params
        self._add(column, expression, params)
        if column.field.lookup_modules:
            self._columns.append(f"min({expression}_m) AS {self._names[column]}_m")
        return expression, params

    def _add(self, value: Value, expression: str, params: Params) -> None:
        name = self._names[value] = f"k{len(self._names)}"
        self._columns.append(f"{expression} AS {name}")
        self._params += params

    def _aggregate(self, value: Aggregated) -> str:
        column = self._tables.column(value.column)
        match value.function:
            case "sum":
                return self._dialect.sum(value.column.field, column, "")
            case "average":
                return self._dialect.average(column, MOST_PLACES, "")
        return f"{value.function}({column})"

    def _drawn(self, key: str, value: Value) -> Drawn:
        expression = f"g.{self._names[value]}"
        if isinstance(value, Column):
            storage: Storage = "text" if value.texts is not None else value.field.storage
            return Drawn(key, expression, storage, None if storage == "text" else value.field)
        return Drawn(key, expression, *_shown_as(value))

    def _order(self, selection: Selection) -> str:
        """Groups without an order come by their columns: no two are equal by all."""
        assert selection.groups is not None
        sorts = [*selection.orders, *(Sort(column) for column in selection.groups)]
        keys = [_key(sort, f"g.{self._names[sort.value]}", self._dialect) for sort in sorts]
        return f" ORDER BY {', '.join(keys)}" if keys else ""


def _shown_as(value: Aggregated) -> tuple[Storage, Field | None]:
    field = value.column.field
    match value.function:
        case "count":
            return "integer", None
        case "average":
            return "real", None
        case "sum":
            return "real" if field.storage == "real" else "integer", None
    return field.storage, field


def is_short(selection: Selection, clauses: Sequence[Clause]) -> bool:
    """Whether an index leads to the few records that a selection asks for."""
    if clauses:
        return all(clause.indexed for clause in clauses)
    return selection.groups is None and walks(selection)


def flag_unset(selection: Selection) -> Field | None:
    """The flag that is not set in the records of a selection, if that is its only condition and it only walks."""
    match selection.conditions:
        case Equal(field, value) if field.api_name in RARE_FLAGS and not value and walks(selection):
            return field if selection.groups is None else None
    return None


def walks(selection: Selection) -> bool:
    """Whether an index has the records in the order of the selection."""
    if not selection.orders:
        return True
    value: Any = selection.orders[0].value
    return len(selection.orders) == 1 and not value.way and value.field.api_name in INDEXED_ORDERS
