"""Inserts a row, or changes the row with the same key."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import SyntaxExtension
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.visitors import InternalTraversal


class _OnConflict(SyntaxExtension, sa.ClauseElement):
    """The clause in the words that SQLite and PostgreSQL share. SQLAlchemy has one class for each, with its driver."""

    _traverse_internals = [  # noqa: RUF012 (as SQLAlchemy declares it)
        ("key", InternalTraversal.dp_string_list),
        ("changed", InternalTraversal.dp_string_list),
    ]

    def __init__(self, key: list[str], changed: list[str]) -> None:
        self.key = key
        self.changed = changed

    def apply_to_insert(self, insert: Insert) -> None:
        insert.apply_syntax_extension_point(self.append_replacing_same_type, "post_values")


@compiles(_OnConflict)
def _sql(clause: _OnConflict, compiler: SQLCompiler, **_: Any) -> str:
    quote = compiler.preparer.quote
    changed = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in clause.changed)
    return f"ON CONFLICT ({', '.join(map(quote, clause.key))}) DO UPDATE SET {changed}"


def upsert(
    table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any], first: Mapping[str, Any] | None = None
) -> sa.Executable:
    """A statement that gives the row with this key these values. A new row gets the values of `first` as well."""
    statement = sa.insert(table).values({**key, **(first or {}), **values})
    return statement.ext(_OnConflict(list(key), list(values)))
