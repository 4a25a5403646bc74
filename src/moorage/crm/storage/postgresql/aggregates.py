"""Aggregates over records that point to others. How a sum and an average are exact, the dialect says."""

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage.compile import Clause, Dialect
from moorage.crm.storage.postgresql.schema import VALUE_TYPE


def filling(
    parents: tuple[Module, Field], children: tuple[Module, Field], value: Clause | None, dialect: Dialect
) -> tuple[str, tuple[object, ...]]:
    """The UPDATE that gives a field in all its records the value over the records whose lookup points to them.

    Without a value, no record can point to them.
    """
    module, field = parents
    owner, lookup = children
    table, column, kind = dialect.table(module), field.column, VALUE_TYPE[field.storage]
    initial = "NULL" if field.initial is None else f"{field.initial}"
    if value is None:
        sql = f"UPDATE {table} SET {column} = {initial} WHERE {column} IS DISTINCT FROM {initial}"
        return sql, ()
    groups = (
        f"SELECT r.{lookup.column} AS parent, {value.sql} AS value FROM {dialect.table(owner)} r"
        f" WHERE r.{lookup.column} IS NOT NULL GROUP BY r.{lookup.column}"
    )
    filled = f"CAST(CASE WHEN g.parent IS NULL THEN {initial} ELSE g.value END AS {kind})"
    values = f"SELECT q.id, {filled} AS value FROM {table} q LEFT JOIN ({groups}) g ON g.parent = q.id"
    sql = (
        f"UPDATE {table} p SET {column} = v.value FROM ({values}) v"
        f" WHERE p.id = v.id AND p.{column} IS DISTINCT FROM v.value"
    )
    return sql, value.params
