"""Insert a row, or change the one that has its key."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert


def upsert(
    table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any], first: Mapping[str, Any] | None = None
) -> sa.Executable:
    """Let the row with this key have these values; `first` are others that it gets only where it is new."""
    statement = insert(table).values({**key, **(first or {}), **values})
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)
