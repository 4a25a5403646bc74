"""How the rows of a module are added and changed: many by few statements."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.columns import columns_of
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.postgresql.schema import types_of
from moorage.crm.storage.postgresql.statements import Statements
from moorage.crm.storage.recycling import Recycled

_RECYCLE = {
    "id": "int8",
    "module": "int8",
    "display_name": "text",
    "deleted_by": "int8",
    "created_by": "int8",
    "deleted_time": "int8",
    "kind": "text",
    "body": "text",
}


def add_rows(statements: Statements, schema: str, module: Module, rows: Sequence[Row]) -> None:
    """Add rows, whose missing columns are empty."""
    columns, types = columns_of(module), types_of(module)
    reals = [position for position, kind in enumerate(types.values()) if kind == "float8"]
    values = [[row.get(column) for column in columns] for row in rows]
    for position in reals:
        for row_values in values:
            row_values[position] = _real(row_values[position])
    statements.write(f"{schema}.{module.table}", columns, list(types.values()), values)


def add_recycled(
    statements: Statements,
    schema: str,
    module: Module,
    recycled: Sequence[Recycled],
    deleted: tuple[int, int],
) -> None:
    """Add records to the recycle bin; `deleted` is by whom, and when."""
    by, now = deleted
    rows = [
        (each.id, module.number, each.display_name, by, each.created_by, now, "recycle", each.body)
        for each in recycled
    ]
    statements.write(f"{schema}.recycle", list(_RECYCLE), list(_RECYCLE.values()), rows)


def change_rows(statements: Statements, schema: str, module: Module, changes: Mapping[int, Row]) -> None:
    """Set the named columns of each record that exists."""
    types = types_of(module)
    rows = {record: _changed(row, types) for record, row in changes.items()}
    table, unique = f"{schema}.{module.table}", {f.column for f in module.fields.values() if f.unique}
    if any(not unique.isdisjoint(row) for row in rows.values()):
        # A record may get the value that the record before it gives up.
        groups = [list(group) for _, group in groupby(rows.items(), lambda item: tuple(item[1]))]
        with statements.together():
            for group in groups:
                _change_in_order(statements, table, group)
        return
    by_columns: dict[tuple[str, ...], list[tuple[int, Row]]] = {}
    for record, row in rows.items():
        by_columns.setdefault(tuple(row), []).append((record, row))
    with statements.together():
        for columns, group in by_columns.items():
            _change_together(statements, table, {column: types[column] for column in columns}, group)


def _changed(row: Row, types: Mapping[str, str]) -> Row:
    return {
        column: _real(value) if types[column] == "float8" else value
        for column, value in row.items()
        if column != "id"
    }


def _change_in_order(statements: Statements, table: str, rows: Sequence[tuple[int, Row]]) -> None:
    if sets := ", ".join(f"{column} = %s" for column in rows[0][1]):
        values = [(*row.values(), record) for record, row in rows]
        statements.run_many(f"UPDATE {table} SET {sets} WHERE id = %s", values)


def _change_together(
    statements: Statements, table: str, types: Mapping[str, str], rows: Sequence[tuple[int, Row]]
) -> None:
    if not types:
        return
    if len(rows) == 1:
        _change_in_order(statements, table, rows)
        return
    sets = ", ".join(f"{column} = v.{column}" for column in types)
    arrays = ", ".join(f"%s::{kind}[]" for kind in types.values())
    statements.run(
        f"UPDATE {table} r SET {sets} FROM unnest(%s::int8[], {arrays}) AS v (id, {', '.join(types)})"
        " WHERE r.id = v.id",
        [[record for record, _ in rows], *([row[column] for _, row in rows] for column in types)],
    )


def _real(value: Any) -> Any:
    """A number as SQLite gives it back: a float, and no minus zero."""
    return None if value is None else value + 0.0
