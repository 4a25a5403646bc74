"""The companions of an organisation, in statements that SQLite and PostgreSQL have in common.

Their table is made by the first of them, because few organisations have any.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from moorage.crm.storage.contract.companions import Companion, CompanionPage, CompanionsOf
from moorage.crm.storage.contract.records import Window

TABLE = "companions"
COLUMNS = ("id", "kind", "owner", "name", "body")
SELECTED = ", ".join(COLUMNS)

CompanionRow: TypeAlias = tuple[int, str, int, str, str]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def creation(prefix: str, id_type: str) -> Sequence[str]:
    """`prefix` is what the names of tables begin with."""
    columns = f"id {id_type} PRIMARY KEY, kind TEXT NOT NULL, owner {id_type} NOT NULL, name TEXT NOT NULL"
    return (
        f"CREATE TABLE IF NOT EXISTS {prefix}{TABLE} ({columns}, body TEXT NOT NULL)",
        # The owner comes first: so the index leads to an owner's companions of all kinds, too.
        f"CREATE INDEX IF NOT EXISTS {TABLE}_by_owner ON {prefix}{TABLE} (owner, kind, id)",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_by_name ON {prefix}{TABLE} (kind, name, id)",
    )


def conditions_of(which: CompanionsOf) -> dict[str, Any]:
    """By column, the value that it must have."""
    values = {"kind": which.kind, "owner": which.owner, "name": which.name}
    return {column: value for column, value in values.items() if value is not None}


def several_of(which: CompanionsOf) -> dict[str, list[Any]]:
    """By column, the values of which it must have one."""
    values = {"owner": which.owners, "name": which.names}
    return {column: list(several) for column, several in values.items() if several is not None}


def page_of(rows: Sequence[Sequence[Any]], window: Window) -> CompanionPage:
    """The page of rows, of which one more than it can hold says that others follow."""
    return CompanionPage([companion(row) for row in rows[: window.limit]], len(rows) > window.limit)


def companion(row: Sequence[Any]) -> Companion:
    id_, kind, owner, name, body = row
    return Companion(id_, kind, owner, name, _decode(body))


class Table(Protocol):
    """The table of companions in one transaction of an engine. It may not be there yet."""

    def rows(self, column: str, values: Sequence[Any], kind: str | None = None) -> Sequence[Sequence[Any]]:
        """The rows whose column has one of the values, of one kind or of all, in the order of their ids."""

    def put(self, rows: Sequence[CompanionRow]) -> None:
        """Make the table if it is missing, and add or replace rows. No two have the same id."""

    def delete(self, column: str, values: Sequence[Any]) -> None: ...


class CompanionsTable:
    """The `Companions` of the contract."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, companions: Sequence[Companion]) -> None:
        rows = {c.id: (c.id, c.kind, c.owner, c.name, _encode(c.body).decode()) for c in companions}
        if rows:
            self._table.put(list(rows.values()))

    def remove(self, ids: Iterable[int]) -> None:
        self._table.delete("id", list(ids))

    def remove_all_of(self, owners: Iterable[int]) -> None:
        self._table.delete("owner", list(owners))

    def by_id(self, ids: Iterable[int]) -> dict[int, Companion]:
        return {row[0]: companion(row) for row in self._table.rows("id", list(ids))}

    def of(self, kind: str, owners: Iterable[int]) -> dict[int, list[Companion]]:
        companions: dict[int, list[Companion]] = {}
        for row in self._table.rows("owner", list(owners), kind):
            companions.setdefault(row[2], []).append(companion(row))
        return companions

    def named(self, kind: str, names: Iterable[str]) -> dict[str, list[Companion]]:
        companions: dict[str, list[Companion]] = {}
        for row in self._table.rows("name", list(names), kind):
            companions.setdefault(row[3], []).append(companion(row))
        return companions
