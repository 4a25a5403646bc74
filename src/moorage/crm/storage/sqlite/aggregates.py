"""Aggregates over records that point to others: what SQLite can't add up exactly, and the statements for all."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import apsw

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.json_numbers import exact, number
from moorage.crm.storage.compile import Clause, Dialect, compile_aggregate
from moorage.crm.storage.contract.aggregates import Aggregate

# Numbers have up to 18 digits before the point and 9 behind it: with 100 digits, no sum of them is rounded.
_CONTEXT = Context(prec=100, rounding=ROUND_HALF_UP)
_MOST = 10**18


class _Sum:
    """The sum of a column, exact: whole numbers stay whole, and decimals count as they are written in JSON."""

    def __init__(self) -> None:
        self._whole = 0
        self._decimal: Decimal | None = None
        self._count = 0

    def step(self, *arguments: Any) -> None:
        value = arguments[0]
        if value is None:
            return
        self._count += 1
        if isinstance(value, int):
            self._whole += value
        else:
            self._decimal = _CONTEXT.add(self._decimal or Decimal(0), exact(value))

    def final(self) -> float | None:
        if not self._count:
            return None
        if self._decimal is not None:
            return number(self._total())
        return self._whole if abs(self._whole) < _MOST else None

    def _total(self) -> Decimal:
        return _CONTEXT.add(self._decimal or Decimal(0), Decimal(self._whole))


class _Average(_Sum):
    """The average of a column, rounded to so many decimals."""

    def __init__(self) -> None:
        super().__init__()
        self._places = 0

    def step(self, *arguments: Any) -> None:
        super().step(*arguments)
        self._places = arguments[1]

    def final(self) -> float | None:
        if not self._count:
            return None
        average = _CONTEXT.divide(self._total(), Decimal(self._count))
        return number(average.quantize(Decimal(1).scaleb(-self._places), context=_CONTEXT))


def add_functions(connection: apsw.Connection) -> None:
    """Give the connection the functions that `SqliteDialect` uses."""
    connection.create_aggregate_function("exact_sum", _Sum, 1)
    connection.create_aggregate_function("exact_average", _Average, 2)


def grouped(
    module: Module, lookup: Field, wanted: Sequence[Aggregate], catalog: Catalog, dialect: Dialect
) -> tuple[str, tuple[object, ...]]:
    """The SELECT of what a lookup points to and each aggregate, and its parameters; the last one are the ids."""
    values = [compile_aggregate(aggregate, module, catalog, dialect) for aggregate in wanted]
    pointer = f"r.{lookup.column}"
    sql = (
        f"SELECT {', '.join([pointer, *(value.sql for value in values)])} FROM {module.table} r"
        f" WHERE {pointer} IN (SELECT value FROM json_each(?)) GROUP BY {pointer}"
    )
    return sql, _params(values)


def fill(
    connection: apsw.Connection, parents: tuple[Module, Field], children: tuple[Module, Field], value: Clause
) -> None:
    """Give a field in all its records the value over the records whose lookup points to them."""
    module, field = parents
    owner, lookup = children
    table, column = module.table, field.column
    connection.execute(f"UPDATE {table} SET {column} = ?1 WHERE {column} IS NOT ?1", (field.initial,))
    groups = (
        f"SELECT r.{lookup.column} AS parent, {value.sql} AS value FROM {owner.table} r"
        f" WHERE r.{lookup.column} IS NOT NULL GROUP BY r.{lookup.column}"
    )
    connection.execute(
        f"UPDATE {table} AS p SET {column} = found.value FROM ({groups}) AS found WHERE p.id = found.parent",
        value.params,
    )


def _params(values: Sequence[Clause]) -> tuple[Any, ...]:
    return tuple(param for value in values for param in value.params)
