"""Aggregates over records that point to others: what SQLite can't add up exactly, and the statements for all."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import Any

import apsw

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.json_numbers import exact, number
from moorage.crm.storage.compile import Clause
from moorage.crm.storage.contract.aggregates import MOST_PLACES

# Numbers have up to 18 digits before the point and 9 behind it: with 100 digits, no sum of them is rounded.
_CONTEXT = Context(prec=100, rounding=ROUND_HALF_UP)
_MOST_WHOLE = 10**18
_MOST_HUNDREDTHS = 10**15  # A double tells apart all numbers of 15 digits.


def _sum(stored: list[float | None]) -> float | None:
    values = _known(stored)
    if not values:
        return None
    if isinstance(values[0], int):  # Then all are: they are of one column.
        whole = sum(values)
        return whole if abs(whole) < _MOST_WHOLE else None
    return number(_total(values))


def _average(unit: Decimal, stored: list[float | None]) -> float | None:
    """Rounded to a multiple of the unit."""
    values = _known(stored)
    if not values:
        return None
    average = _CONTEXT.divide(_total(values), Decimal(len(values)))
    return number(average.quantize(unit, context=_CONTEXT))


def _known(stored: list[float | None]) -> list[float]:
    return [value for value in stored if value is not None]


def _total(values: list[float]) -> Decimal:
    """The exact sum of numbers as they are written in JSON."""
    hundredths = [round(value * 100) for value in values]
    if max(map(abs, hundredths)) < _MOST_HUNDREDTHS and [n / 100 for n in hundredths] == values:
        # All have two decimals at most, as nearly all amounts do. To add up whole numbers takes a third of the time.
        return Decimal(sum(hundredths)).scaleb(-2, _CONTEXT)
    total = Decimal(0)
    for value in values:
        total = _CONTEXT.add(total, exact(value))
    return total


def add_functions(connection: apsw.Connection) -> None:
    """Give the connection the functions that `SqliteDialect` uses."""
    connection.create_aggregate_function("exact_sum", _collecting(_sum), 1)
    for places in range(MOST_PLACES + 1):
        average = partial(_average, Decimal(1).scaleb(-places))
        connection.create_aggregate_function(f"exact_average_{places}", _collecting(average), 1)


def _collecting(final: Callable[[Any], float | None]) -> Callable[[], tuple[Any, Any, Any]]:
    """The parts of an aggregate function: a list, what SQLite calls for each value, and what becomes of the list.

    To append to a list takes a third of the time of any code of ours.
    """
    return lambda: ([], list.append, final)


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
        f"UPDATE {table} AS p SET {column} = g.value FROM ({groups}) AS g WHERE p.id = g.parent",
        value.params,
    )
