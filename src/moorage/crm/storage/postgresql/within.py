"""Reads and jobs within a transaction of the writer that stays open."""

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from moorage.crm.storage.postgresql.inventory import OpenSchema
from moorage.crm.storage.postgresql.reader import Rows
from moorage.crm.storage.postgresql.statements import Statements
from moorage.crm.storage.postgresql.transaction import PostgresqlTransaction
from moorage.crm.storage.postgresql.trouble import translated

if TYPE_CHECKING:
    from moorage.crm.storage.postgresql.store import PostgresqlStore

T = TypeVar("T")


class PostgresqlWithin:
    """See `Within`. The server gives up a statement that takes longer than `seconds`."""

    def __init__(self, store: "PostgresqlStore", seconds: float) -> None:
        self._store = store
        self._milliseconds = int(seconds * 1000)
        self._is_bounded = False

    def attempt(self, transaction: PostgresqlTransaction, work: Callable[[PostgresqlTransaction], T]) -> T:
        if not self._is_bounded:
            transaction.statements.run(f"SET LOCAL statement_timeout = {self._milliseconds}")
            self._is_bounded = True
        transaction.begin_job()
        try:
            return work(transaction)
        except Exception as error:
            if transaction.statements.can_go_on():
                transaction.undo_job()
            failure = translated(error)
            if failure is error:
                raise
            raise failure from error

    def reading(self, transaction: PostgresqlTransaction) -> "PostgresqlStore":
        """What the jobs before have left to the end is written now, so that reads see it."""
        for sql in transaction.finish():
            transaction.statements.run(sql)
        schema = OpenSchema(transaction.schema, transaction.inventory)
        store = copy.copy(self._store)
        store.read_with(_BoundServer(transaction.statements), schema)
        return store


class _BoundServer:
    """Asks in the connection of the writer, as a `PostgresqlServer`."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def fetch(self, _schema: str, sql: str, params: Sequence[Any] = (), *, slow: bool = False) -> Rows:  # noqa: ARG002
        return self._statements.cursor.execute(sql, list(params)).fetchall()
