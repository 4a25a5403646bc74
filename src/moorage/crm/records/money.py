"""Amounts of money, worked out in decimal numbers.

The one rule of rounding: to two decimals, and a half goes up, which is away from zero. Zoho calls this rounding
`normal`, and all amounts of the standard modules have it [Z create-fields].
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal

# A product of two numbers of 16 digits and 9 decimals has 50 digits; the sum of a record's rows has three more.
_CONTEXT = Context(prec=100, rounding=ROUND_HALF_UP)
_CENT = Decimal("0.01")
_PER_CENT = Decimal("0.01")


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
