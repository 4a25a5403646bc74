"""The companions in an organisation's SQLite file."""

from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec

from moorage.crm.storage.companions import (
    COLUMNS,
    SELECTED,
    TABLE,
    CompanionRow,
    conditions_of,
    creation,
    page_of,
    several_of,
)
from moorage.crm.storage.contract.companions import CompanionPage, CompanionsOf
from moorage.crm.storage.contract.records import Window
from moorage.crm.storage.sqlite.schema import has_table


class SqliteCompanions:
    """A `Table` of companions."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, column: str, values: Sequence[Any], kind: str | None = None) -> Sequence[Sequence[Any]]:
        if not self._exists():
            return []
        of_kind, params = ("", ()) if kind is None else (" AND kind = ?", (kind,))
        sql = f"SELECT {SELECTED} FROM {TABLE} WHERE {_among(column)}{of_kind} ORDER BY id"
        return self._connection.execute(sql, (_array(values), *params)).fetchall()

    def put(self, rows: Sequence[CompanionRow]) -> None:
        if not self._exists():
            for statement in creation("", "INTEGER"):
                self._connection.execute(statement)
        sql = f"INSERT OR REPLACE INTO {TABLE} ({SELECTED}) VALUES ({', '.join('?' * len(COLUMNS))})"
        self._connection.executemany(sql, rows)

    def delete(self, column: str, values: Sequence[Any]) -> None:
        if self._exists():
            self._connection.execute(f"DELETE FROM {TABLE} WHERE {_among(column)}", (_array(values),))

    def _exists(self) -> bool:
        return has_table(self._connection, TABLE)


def query(which: CompanionsOf, window: Window) -> Callable[[apsw.Connection], CompanionPage]:
    conditions, several = conditions_of(which), several_of(which)
    where = " AND ".join([*(f"{column} = ?" for column in conditions), *map(_among, several)])
    direction = "DESC" if which.newest_first else "ASC"
    sql = f"SELECT {SELECTED} FROM {TABLE} WHERE {where} ORDER BY id {direction} LIMIT ? OFFSET ?"
    params = (*conditions.values(), *map(_array, several.values()), window.limit + 1, window.offset)

    def read(connection: apsw.Connection) -> CompanionPage:
        return page_of(_rows(connection, sql, params), window)

    return read


def single(kind: str, companion: int) -> Callable[[apsw.Connection], Sequence[Sequence[Any]]]:
    sql = f"SELECT {SELECTED} FROM {TABLE} WHERE id = ? AND kind = ?"
    return lambda connection: _rows(connection, sql, (companion, kind))


def _rows(connection: apsw.Connection, sql: str, params: Sequence[Any]) -> Sequence[Sequence[Any]]:
    try:
        return connection.execute(sql, params).fetchall()
    except apsw.SQLError as error:
        if "no such table" in str(error):  # A restore may have taken it away, so it is asked each time.
            return []
        raise


def _among(column: str) -> str:
    return f"{column} IN (SELECT value FROM json_each(?))"


def _array(values: Sequence[Any]) -> str:
    return msgspec.json.encode(values).decode()
