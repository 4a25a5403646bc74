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
        ("added", InternalTraversal.dp_string_list),
        ("table", InternalTraversal.dp_string),
    ]

    def __init__(self, table: str, key: list[str], changed: list[str], added: list[str]) -> None:
        self.table = table
        self.key = key
        self.changed = changed
        self.added = added

    def apply_to_insert(self, insert: Insert) -> None:
        insert.apply_syntax_extension_point(self.append_replacing_same_type, "post_values")


@compiles(_OnConflict)
def _sql(clause: _OnConflict, compiler: SQLCompiler, **_: Any) -> str:
    quote = compiler.preparer.quote
    sets = [f"{quote(name)} = excluded.{quote(name)}" for name in clause.changed]
    sets += [
        f"{quote(name)} = {quote(clause.table)}.{quote(name)} + excluded.{quote(name)}"
        for name in clause.added
    ]
    action = f"UPDATE SET {', '.join(sets)}" if sets else "NOTHING"
    return f"ON CONFLICT ({', '.join(map(quote, clause.key))}) DO {action}"


def upsert(
    table: sa.Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    first: Mapping[str, Any] | None = None,
    added: Mapping[str, int] | None = None,
) -> sa.Executable:
    """A statement that gives the row with this key these values. A new row gets the values of `first` as well.

    `added` are numbers that are added to those that the row has; a new row begins with them.
    """
    added = added or {}
    statement = sa.insert(table).values({**key, **(first or {}), **values, **added})
    return statement.ext(_OnConflict(table.name, list(key), list(values), list(added)))
