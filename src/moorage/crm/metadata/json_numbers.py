"""Numbers between JSON and exact decimals.

What is stored and shown is a JSON number, but binary fractions can't hold a cent.
"""

from decimal import Decimal


def exact(value: float | None) -> Decimal:
    """The number as it is written in JSON; None counts as nothing."""
    return Decimal(0) if value is None else Decimal(repr(value))


def number(amount: Decimal) -> float:
    """The amount as it is stored and shown."""
    return float(amount) + 0.0  # No minus zero.
