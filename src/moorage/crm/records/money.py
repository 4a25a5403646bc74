"""Amounts of money, worked out in decimal numbers: binary fractions can't hold a cent.

What is stored and shown is a JSON number, which `exact` reads as the decimal number that it is written as. The one rule
of rounding: to two decimals, and a half goes up, which is away from zero. Zoho calls this rounding `normal`, and all
amounts of the standard modules have it [Z create-fields].
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal

# A product of two numbers of 16 digits and 9 decimals has 50 digits; the sum of a record's rows has three more.
_CONTEXT = Context(prec=100, rounding=ROUND_HALF_UP)
_CENT = Decimal("0.01")
_PER_CENT = Decimal("0.01")


def exact(value: float | None) -> Decimal:
    """The number as it is written in JSON; None counts as nothing."""
    return Decimal(0) if value is None else Decimal(repr(value))


def product(left: Decimal, right: Decimal) -> Decimal:
    return _CONTEXT.multiply(left, right)


def total(amounts: Iterable[Decimal]) -> Decimal:
    result = Decimal(0)
    for amount in amounts:
        result = _CONTEXT.add(result, amount)
    return result


def percentage(amount: Decimal, percent: Decimal) -> Decimal:
    return product(product(amount, percent), _PER_CENT)


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, context=_CONTEXT)


def number(amount: Decimal) -> float:
    """The amount as it is stored and shown."""
    return float(amount) + 0.0  # No minus zero.
