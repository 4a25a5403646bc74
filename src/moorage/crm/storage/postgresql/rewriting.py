"""Every record of a module changed or indexed again: in parts, so that memory holds a part only."""

from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.postgresql.transaction import PostgresqlTransaction

Change: TypeAlias = Callable[[Row], Row]

PART = 2_000  # Records.


def rewrite(
    transaction: PostgresqlTransaction, module: Module, columns: Collection[str], change: Change
) -> None:
    """See `MetadataTransaction.rewrite`."""
    for rows in _parts(transaction, module, columns):
        changes = {record: changed for record, row in rows.items() if (changed := change(row))}
        transaction.update(module, changes)
        transaction.index_texts()


def index_again(transaction: PostgresqlTransaction, module: Module, columns: Collection[str]) -> None:
    """Write the full text of the records that have a value in one of the columns."""
    condition = f"coalesce({', '.join([*sorted(columns), 'NULL'])}) IS NOT NULL"
    for rows in _parts(transaction, module, (), condition):
        transaction.texts.note_changed(module, rows)
        transaction.index_texts()


def _parts(
    transaction: PostgresqlTransaction, module: Module, columns: Collection[str], condition: str = "TRUE"
) -> Iterator[dict[int, Row]]:
    """The columns of the records, by id."""
    names = sorted(columns)
    sql = (
        f"SELECT {', '.join(['id', *names])} FROM {transaction.schema}.{module.table}"
        f" WHERE id > %s AND {condition} ORDER BY id LIMIT {PART}"
    )
    last = -1
    while rows := transaction.statements.rows(sql, (last,)):
        yield {record: dict(zip(names, values, strict=True)) for record, *values in rows}
        last = rows[-1][0]
