"""Numbers in formulas are decimal: a sum of cents is exact, and no calculation takes long or gets large.

A result of more than 50 digits is rounded. What has no result, such as a division by zero, and what has more than a
hundred digits before the point, is None.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from moorage.crm.metadata.json_numbers import number as json_number

# Without traps: what has no result is no number, which `_finite` finds.
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_UP, Emin=-99, Emax=99, traps=[])
_HALF = Decimal("0.5")
_MOST_PLACES = 30


def _finite(number: Decimal) -> Decimal | None:
    return number if number.is_finite() else None


def added(left: Decimal, right: Decimal) -> Decimal | None:
    return _finite(_CONTEXT.add(left, right))


def subtracted(left: Decimal, right: Decimal) -> Decimal | None:
    return _finite(_CONTEXT.subtract(left, right))


def opposite(number: Decimal) -> Decimal:
    return _CONTEXT.minus(number)


def absolute(number: Decimal) -> Decimal:
    return _CONTEXT.abs(number)


_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "*": _CONTEXT.multiply,
    "/": _CONTEXT.divide,
    "%": _CONTEXT.remainder,
    "^": _CONTEXT.power,
}


def operated(operator: str, left: Decimal, right: Decimal) -> Decimal | None:
    """The result of `*`, `/`, `%` (which has the sign of the left number) or `^`."""
    return _finite(_OPERATIONS[operator](left, right))


def ceiling(number: Decimal) -> Decimal:
    return number.to_integral_value(ROUND_CEILING)


def floor(number: Decimal) -> Decimal:
    return number.to_integral_value(ROUND_FLOOR)


def natural_logarithm(number: Decimal) -> Decimal | None:
    return _finite(_CONTEXT.ln(number))


def decimal_logarithm(number: Decimal) -> Decimal | None:
    return _finite(_CONTEXT.log10(number))


def square_root(number: Decimal) -> Decimal | None:
    return _finite(_CONTEXT.sqrt(number))


def rounded(number: Decimal, places: Decimal = Decimal(0)) -> Decimal | None:
    """To that many decimals; a half goes up, so that -3.5 becomes -3."""
    count = whole(places, _MOST_PLACES)
    if count is None:
        return None
    moved = _CONTEXT.add(_CONTEXT.scaleb(number, count), _HALF)
    return _finite(_CONTEXT.scaleb(floor(moved), -count)) if moved.is_finite() else None


def whole(number: Decimal, most: int) -> int | None:
    """The number without its decimals; None if it is more than `most` away from zero."""
    return int(number) if number.copy_abs() <= most else None


def written(number: Decimal) -> str:
    """The number in digits, without zeros at the end of its decimals: 3, 3.4, -0.5."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def fitted(number: Decimal, length: int, places: int) -> float | None:
    """The number as a column of that many digits and decimals holds it; None if it is too large."""
    limited = _CONTEXT.quantize(number, Decimal(1).scaleb(-places))
    if not limited.is_finite() or limited.copy_abs() >= 10**length:
        return None
    return json_number(limited)
