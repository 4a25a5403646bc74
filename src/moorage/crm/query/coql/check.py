"""A syntax tree checked against an organisation's metadata: it becomes a `Selection`."""

import re
from collections.abc import Iterator

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.coql.columns import Asker, Columns
from moorage.crm.query.coql.conditions import Answers, comparisons, lowered
from moorage.crm.query.coql.faults import (
    duplicate,
    invalid_query,
    limit_exceeded,
    unsupported_column,
)
from moorage.crm.query.coql.joining import EVERYTHING, joined
from moorage.crm.query.coql.sources import module_of, view_of
from moorage.crm.query.coql.syntax import Call, Item, Name, Ordering, Query
from moorage.crm.query.selection import Aggregated, Column, Function, Selection, Shown, Sort, Value

USUAL_LIMIT = 200

_FUNCTIONS: dict[str, Function] = {
    "COUNT": "count",
    "SUM": "sum",
    "MIN": "min",
    "MAX": "max",
    "AVG": "average",
}
_NUMBERS = frozenset({"integer", "bigint", "real"})
_ORDERED = _NUMBERS | {"date", "datetime"}
_UNORDERED = frozenset({"json", "tags", "list", "rows", "personal"})
_NUMBER = re.compile(r"-?[0-9]{1,12}", re.ASCII)
_UNFIT_ALIAS = re.compile(r'["\\\x00-\x1f\x7f]')
_LONGEST_ALIAS = 100


class Subquery(msgspec.Struct, frozen=True):
    """A subquery whose values have to be known. `number` counts those of a query from 0."""

    query: Query
    number: int
    operator: str


def subqueries(query: Query) -> Iterator[Subquery]:
    """The subqueries to ask first: all but those that a storage can ask by itself. Raises the Fault for two columns."""
    number = 0
    for comparison in comparisons(query.condition):
        inner = comparison.values
        if not isinstance(inner, Query):
            continue
        if len(inner.items) != 1:
            names = [item.value.text for item in inner.items]
            message = "subquery should contains only one column"
            raise invalid_query(message, sub_query_sequence=number, column_name=names)
        if comparison.operator not in {"in", "not in"} or not _is_plain(inner):
            yield Subquery(inner, number, comparison.operator)
        number += 1


def _is_plain(query: Query) -> bool:
    value = query.items[0].value
    return (
        isinstance(value, Name)
        and "." not in value.text
        and not query.groups
        and not query.orders
        and query.limit is None
        and query.offset is None
        and not any(isinstance(comparison.values, Query) for comparison in comparisons(query.condition))
    )


def selection(query: Query, asker: Asker, answers: Answers) -> Selection:
    """`answers` has the values of `subqueries`. Raises the Fault for what is unknown, unfit or too much."""
    module = module_of(query, asker)
    columns = Columns(module, asker)
    return _Check(query, module, columns, asker).selection(answers)


class _Check:
    def __init__(self, query: Query, module: Module, columns: Columns, asker: Asker) -> None:
        self._query = query
        self._module = module
        self._columns = columns
        self._limits = asker.limits
        self._asker = asker

    def selection(self, answers: Answers) -> Selection:
        query, module, asker = self._query, self._module, self._asker
        limit, offset = self._window()
        shown = self._shown()
        conditions = lowered(query.condition, self._columns, asker, answers)
        view = view_of(query, module, asker)
        if view is not None:
            conditions = joined("and", [view, conditions])
        groups = self._groups(shown)
        orders = self._orders(shown, groups)
        self._columns.require_few_joins()
        return Selection(
            module,
            tuple(shown) if groups is not None else _with_id(shown, module),
            None if conditions == EVERYTHING else conditions,
            groups,
            orders,
            limit,
            offset,
            asker.named,
        )

    def _shown(self) -> list[Shown]:
        items, limits = self._query.items, self._limits
        if len(items) > limits.columns:
            raise limit_exceeded("select", limits.columns)
        if sum(isinstance(item.value, Call) for item in items) > limits.aggregates:
            raise limit_exceeded("aggregate", limits.aggregates)
        _require_distinct(items)
        return [
            Shown(item.value.text if item.alias is None else item.alias, self._value(item.value, shown=True))
            for item in items
        ]

    def _value(self, value: Name | Call, *, shown: bool) -> Value:
        if isinstance(value, Name):
            return self._columns.shown(value.text) if shown else self._ordered(value.text)
        find = self._columns.shown if shown else self._columns.ordered
        aggregated = Aggregated(_FUNCTIONS[value.function], find(value.column.text))
        if not _can_be_aggregated(aggregated):
            details = {"reason": "unsupported aggregate function", "column": value.column.text}
            raise Fault(400, "INVALID_DATA", "invalid data", details)
        return aggregated

    def _groups(self, shown: list[Shown]) -> tuple[Column, ...] | None:
        """The columns of groups; None if the query has neither groups nor aggregates."""
        names = self._query.groups
        if not names and not any(isinstance(each.value, Aggregated) for each in shown):
            return None
        if len(names) > self._limits.groups:
            raise limit_exceeded("group by", self._limits.groups)
        _require_once([name.text for name in names], "duplicate group by column")
        groups = tuple(self._ordered(name.text) for name in names)
        for item, each in zip(self._query.items, shown, strict=True):
            if isinstance(each.value, Column) and each.value not in groups:
                raise _ungrouped(item.value.text)
        return groups

    def _orders(self, shown: list[Shown], groups: tuple[Column, ...] | None) -> tuple[Sort, ...]:
        orders = self._query.orders
        if len(orders) > self._limits.orders:
            raise limit_exceeded("order by", self._limits.orders)
        _require_once([order.value.text for order in orders], "duplicate order by column")
        sorts = [Sort(self._sorted(order, shown), order.descending) for order in orders]
        for order, sort in zip(orders, sorts, strict=True):
            is_shown = groups is not None and isinstance(sort.value, Column) and sort.value in groups
            if groups is not None and isinstance(sort.value, Column) and not is_shown:
                raise _ungrouped(order.value.text)
            if groups is None and isinstance(sort.value, Aggregated):
                raise _ungrouped(order.value.text)
        return tuple(sorts)

    def _sorted(self, order: Ordering, shown: list[Shown]) -> Value:
        """What an order is by: an alias, a column or an aggregate."""
        for item, each in zip(self._query.items, shown, strict=True):
            if item.alias is not None and item.alias == order.value.text:
                _require_order(each.value, order.value.text)
                return each.value
        return self._value(order.value, shown=False)

    def _ordered(self, name: str) -> Column:
        column = self._columns.ordered(name)
        _require_order(column, name)
        return column

    def _window(self) -> tuple[int, int]:
        query, limits = self._query, self._limits
        limit = USUAL_LIMIT if query.limit is None else _number("limit", query.limit)
        offset = 0 if query.offset is None else _number("offset", query.offset)
        if limit < 1:
            raise Fault(400, "INVALID_DATA", "limit should be greater than 0")
        if limit > limits.rows:
            raise limit_exceeded("limit", limits.rows)
        if offset < 0:
            raise invalid_query("offset given seems to be invalid", offset=query.offset)
        if offset + limit > limits.reach:
            raise limit_exceeded("offset", limits.reach)
        return limit, offset


def _with_id(shown: list[Shown], module: Module) -> tuple[Shown, ...]:
    """Every record shows its id."""
    if any(each.key == "id" for each in shown):
        return tuple(shown)
    return (*shown, Shown("id", Column(module.fields["id"])))


def _require_distinct(items: tuple[Item, ...]) -> None:
    """Raise the Fault for a column that is there twice, and for an alias that has another meaning, too."""
    names: set[str] = set()
    aliases: dict[str, str] = {}
    plain = {item.value.text for item in items if item.alias is None} | {"id"}
    for item in items:
        value, alias = item.value, item.alias
        if value.text in names:
            raise _repeated(value)
        names.add(value.text)
        if alias is None:
            continue
        if not alias.strip():
            message = "alias name cannot be an empty string"
            raise Fault(400, "INVALID_ALIAS", message, {"column_name": value.text, "alias": alias})
        if len(alias) > _LONGEST_ALIAS or _UNFIT_ALIAS.search(alias):
            message = f"alias name has at most {_LONGEST_ALIAS} characters, and no double quote or backslash"
            raise Fault(400, "INVALID_ALIAS", message, {"column_name": value.text, "alias": alias})
        if alias in aliases:
            details = {"referred_columns": [aliases[alias], value.text], "alias": alias}
            raise Fault(400, "DUPLICATE_ALIAS", "same alias cannot refer more than one column", details)
        if alias in plain and alias != value.text:
            message = (
                "column name or property name given in select columns without alias name"
                " cannot be an alias name for other select columns"
            )
            raise invalid_query(message, column_name=value.text, alias=alias)
        aliases[alias] = value.text


def _repeated(value: Name | Call) -> Fault:
    if isinstance(value, Name):
        return duplicate("duplicate select column", column_name=value.text)
    message = "duplicate aggregate function"
    return duplicate(message, column_name=value.column.text, aggregate=value.function)


def _require_once(names: list[str], message: str) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise duplicate(message, column_name=name)


def _require_order(value: Value, name: str) -> None:
    if isinstance(value, Column) and value.texts is None and value.field.storage in _UNORDERED:
        raise unsupported_column(name)


def _can_be_aggregated(aggregated: Aggregated) -> bool:
    column = aggregated.column
    if column.field.storage == "personal":
        return False
    if column.texts is not None or aggregated.function == "count":
        return aggregated.function == "count"
    allowed = _ORDERED if aggregated.function in {"min", "max"} else _NUMBERS
    return column.field.storage in allowed


def _ungrouped(name: str) -> Fault:
    reason = "a query with groups shows and orders by their columns and by aggregates only"
    return invalid_query("Invalid query formed", column_name=name, reason=reason)


def _number(clause: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise invalid_query(f"{clause} given seems to be invalid", **{clause: text})
    return int(text)


def fields_of(shown: tuple[Shown, ...]) -> Iterator[tuple[str, Field]]:
    """By key of the results, the field that a value is of."""
    for each in shown:
        column = each.value.column if isinstance(each.value, Aggregated) else each.value
        yield each.key, column.field
