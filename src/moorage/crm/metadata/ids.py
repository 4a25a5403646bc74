"""Ids: 19 digits, an organisation's prefix (seven digits) and twelve digits of its own."""

from typing import Any

ID_SPACE = 10**12
MAX_ID = 2**63 - 1


def whole_id(value: Any) -> int | None:
    """An id given as text or number; None when it can't be one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    return value if isinstance(value, int) and 0 < value <= MAX_ID else None
