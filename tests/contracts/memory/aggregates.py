"""One value of several rows."""

from fractions import Fraction
from math import floor


def aggregated(aggregate, rows, conditions):
    met = [row for row in rows if aggregate.criteria is None or conditions.meets(row, aggregate.criteria)]
    if aggregate.field is None:
        return len(met)
    values = [row[aggregate.field.column] for row in met if row.get(aggregate.field.column) is not None]
    return AGGREGATES[aggregate.function](values, aggregate.places) if values else None


def _sum(values, _):
    if all(isinstance(value, int) for value in values):
        return sum(values) if abs(sum(values)) < 10**18 else None
    return float(sum(map(exact, values)))


def _average(values, places):
    average = sum(map(exact, values)) / len(values)
    units = floor(abs(average) * 10**places + Fraction(1, 2))
    return float(Fraction(units, 10**places)) * (-1 if average < 0 and units else 1)


def exact(value):
    """The decimal number as it is written."""
    return Fraction(repr(value))


AGGREGATES = {
    "sum": _sum,
    "average": _average,
    "min": lambda values, _: min(values),
    "max": lambda values, _: max(values),
}
