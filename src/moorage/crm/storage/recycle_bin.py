"""The recycle bin, in statements that SQLite and PostgreSQL have in common.

In PostgreSQL its table is made by the first deletion.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from moorage.crm.query.texts import folded
from moorage.crm.storage.contract.recycle_bin import BinCondition, BinEntry, InBin

TABLE = "recycle"
COLUMNS = ("id", "module", "display_name", "deleted_by", "created_by", "deleted_time", "kind", "body")
SELECTED = "id, module, display_name, deleted_by, deleted_time, body"

# Runs a statement with ? for its parameters. Gives its rows.
Ask: TypeAlias = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]

_decode = msgspec.json.Decoder().decode
_PATTERNS = {
    "contains": "replace({0}, ?, '') <> {0}",
    "starts": "substr({0}, 1, {1}) = ?",
    "ends": "substr({0}, length({0}) - {1} + 1) = ? AND length({0}) >= {1}",
}


def creation(prefix: str, id_type: str) -> Sequence[str]:
    """`prefix` is what the names of tables begin with."""
    numbers = f"deleted_by {id_type}, created_by {id_type}, deleted_time {id_type} NOT NULL"
    columns = f"id {id_type} PRIMARY KEY, module {id_type} NOT NULL, display_name TEXT, {numbers}"
    return (
        f"CREATE TABLE IF NOT EXISTS {prefix}{TABLE} ({columns}, kind TEXT NOT NULL, body TEXT)",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_by_time ON {prefix}{TABLE} (module, deleted_time)",
    )


class BinQuestions:
    """Statements and their parameters. `text` is the column of a text as it is compared and ordered."""

    def __init__(self, table: str, text: str) -> None:
        self._table = table
        self._text = text

    def entries(self, which: InBin, limit: int, offset: int = 0) -> tuple[str, list[Any]]:
        where, params = self.where(which)
        column, direction = self._column(which.order), "DESC" if which.descending else "ASC"
        order = f"{column} {direction}, id {direction}"
        sql = f"SELECT {SELECTED} FROM {self._table} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        return sql, [*params, limit, offset]

    def count(self, which: InBin) -> tuple[str, list[Any]]:
        where, params = self.where(which)
        return f"SELECT count(*) FROM {self._table} WHERE {where}", params

    def where(self, which: InBin) -> tuple[str, list[Any]]:
        parts, params = ["kind = 'recycle'"], []
        for condition in which.conditions:
            sql, values = self._compared(condition)
            parts.append(f"({sql})")
            params += values
        return " AND ".join(parts), params

    def _compared(self, condition: BinCondition) -> tuple[str, list[Any]]:
        column, comparison = self._column(condition.column), condition.comparison
        values = [folded(value) for value in condition.values]
        if comparison in {"in", "not in"}:
            if not values:
                return ("1 = 0" if comparison == "in" else "1 = 1"), []
            return f"{column} {comparison.upper()} ({', '.join('?' * len(values))})", values
        if comparison in _PATTERNS:
            return _PATTERNS[comparison].format(column, len(values[0])), values
        return f"{column} {comparison} ?", values

    def _column(self, column: str) -> str:
        return self._text if column == "display_name" else column


def entry(row: Sequence[Any]) -> BinEntry:
    record, module, name, deleted_by, deleted_time, body = row
    return BinEntry(record, module, name, deleted_by, deleted_time, _decode(body) if body else None)


class BinTable:
    """A `RecycleBin` of the contract. `note` is told the ids of rows that change."""

    def __init__(
        self, ask: Ask, table: str, text: str, note: Callable[[Iterable[int]], None] = lambda _: None
    ) -> None:
        self._ask = ask
        self._table = table
        self._questions = BinQuestions(table, text)
        self._note = note

    def entries(self, which: InBin, limit: int) -> Sequence[BinEntry]:
        return [entry(row) for row in self._ask(*self._questions.entries(which, limit))]

    def take(self, records: Iterable[int]) -> None:
        self._change(f"DELETE FROM {self._table}", records)

    def forget(self, records: Iterable[int]) -> None:
        self._change(f"UPDATE {self._table} SET kind = 'permanent', body = NULL", records)

    def _change(self, change: str, records: Iterable[int]) -> None:
        ids = list(records)
        if ids:
            places = ", ".join("?" * len(ids))
            rows = self._ask(f"{change} WHERE kind = 'recycle' AND id IN ({places}) RETURNING id", ids)
            self._note([record for (record,) in rows])
