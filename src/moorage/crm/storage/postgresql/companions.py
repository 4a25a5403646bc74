"""The companions in an organisation's schema."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from moorage.crm.storage.companions import COLUMNS, SELECTED, TABLE, CompanionRow
from moorage.crm.storage.postgresql.statements import Statements

_TYPES = ("int8", "text", "int8", "text", "text")
_KIND_OF_ARRAY = {"id": "int8", "owner": "int8", "name": "text"}


class PostgresqlCompanions:
    """A `Table` of companions. `exists` says whether the table is there, and `make` makes it if it is not. `note` is
    told the ids of all rows that change.
    """

    def __init__(
        self,
        statements: Statements,
        schema: str,
        exists: Callable[[], bool],
        make: Callable[[], None],
        note: Callable[[Iterable[int]], None],
    ) -> None:
        self._statements = statements
        self._table = f"{schema}.{TABLE}"
        self._exists = exists
        self._make = make
        self._note = note

    def rows(self, column: str, values: Sequence[Any], kind: str | None = None) -> Sequence[Sequence[Any]]:
        if not values or not self._exists():
            return []
        of_kind, params = ("", ()) if kind is None else (" AND kind = %s", (kind,))
        sql = f"SELECT {SELECTED} FROM {self._table} WHERE {among(column)}{of_kind} ORDER BY id"
        return self._statements.rows(sql, (values, *params))

    def put(self, rows: Sequence[CompanionRow]) -> None:
        self._make()
        arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
        sets = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS[1:])
        self._statements.run(
            f"INSERT INTO {self._table} ({SELECTED}) SELECT * FROM unnest({arrays})"
            f" ON CONFLICT (id) DO UPDATE SET {sets}",
            [list(values) for values in zip(*rows, strict=True)],
        )
        self._note(row[0] for row in rows)

    def delete(self, column: str, values: Sequence[Any]) -> None:
        if values and self._exists():
            sql = f"DELETE FROM {self._table} WHERE {among(column)} RETURNING id"
            self._note(row[0] for row in self._statements.rows(sql, (values,)))


def among(column: str) -> str:
    return f"{column} = ANY(%s::{_KIND_OF_ARRAY[column]}[])"
