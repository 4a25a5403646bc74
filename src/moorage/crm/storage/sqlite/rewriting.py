"""Every record of a module changed, as it is when a formula is new: in parts, so that memory holds a part only."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import apsw

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.sqlite.transaction import SqliteTransaction

Change: TypeAlias = Callable[[Row], Row]

PART = 2_000  # Records.


def rewrite(transaction: SqliteTransaction, module: Module, columns: Collection[str], change: Change) -> None:
    """See `MetadataTransaction.rewrite`."""
    texts = {field.column for field in module.full_text}
    for rows in _parts(transaction.connection, module, columns):
        changes = {record: changed for record, row in rows if (changed := change(row))}
        _update(transaction.connection, module, changes)
        changed_texts = texts & {column for changed in changes.values() for column in changed}
        if changed_texts:
            transaction.index_columns(module, set(changes), changed_texts)


def _parts(
    connection: apsw.Connection, module: Module, columns: Collection[str]
) -> Iterator[list[tuple[int, Row]]]:
    names = sorted(columns)
    sql = f"SELECT {', '.join(['id', *names])} FROM {module.table} WHERE id > ? ORDER BY id LIMIT {PART}"
    last = -1
    while True:
        rows: list[Any] = connection.execute(sql, (last,)).fetchall()
        if not rows:
            return
        yield [(record, dict(zip(names, values, strict=True))) for record, *values in rows]
        last = rows[-1][0]


def _update(connection: apsw.Connection, module: Module, changes: Mapping[int, Row]) -> None:
    """One statement for all the records of which the same columns change."""
    by_columns: dict[Sequence[str], list[tuple[Any, ...]]] = {}
    for record, row in changes.items():
        by_columns.setdefault(tuple(row), []).append((*row.values(), record))
    for columns, values in by_columns.items():
        sets = ", ".join(f"{column} = ?" for column in columns)
        connection.executemany(f"UPDATE {module.table} SET {sets} WHERE id = ?", values)
