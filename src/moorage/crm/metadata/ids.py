"""Ids have 19 digits: seven are the organisation's prefix, twelve belong to the record or document."""

from typing import Any

ID_SPACE = 10**12
MAX_ID = 2**63 - 1


def zgid_of(organisation: int) -> str:
    """The short id that Zoho shows beside an organisation's own, and by which connections name it."""
    return str(600_000_000 + organisation // ID_SPACE)


def whole_id(value: Any) -> int | None:
    """The id that a text or a number stands for; None if it can't be an id."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    return value if isinstance(value, int) and 0 < value <= MAX_ID else None
