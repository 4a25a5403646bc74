"""Inserts a row, or changes the row with the same key."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert


def upsert(
    table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any], first: Mapping[str, Any] | None = None
) -> sa.Executable:
    """A statement that gives the row with this key these values. A new row gets the values of `first` as well."""
    statement = insert(table).values({**key, **(first or {}), **values})
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)
