"""Reads and jobs within a transaction of the writer that stays open."""

import copy
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar

import apsw

from moorage.crm.storage.contract.records import TookTooLong
from moorage.crm.storage.sqlite.readers import STEPS
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from moorage.crm.storage.sqlite.trouble import translated
from moorage.crm.storage.together import Ready

if TYPE_CHECKING:
    from moorage.crm.storage.sqlite.store import SqliteStore

T = TypeVar("T")


class SqliteWithin:
    """See `Within`. A statement that runs `seconds` after the first one began is given up."""

    def __init__(self, store: "SqliteStore", seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._end: float | None = None

    def attempt(self, transaction: SqliteTransaction, work: Callable[[SqliteTransaction], T]) -> T:
        connection = transaction.connection
        self._end = self._end or time.monotonic() + self._seconds
        connection.set_progress_handler(self._is_over, STEPS)
        connection.execute("SAVEPOINT work")
        try:
            result = work(transaction)
        except Exception as error:
            connection.set_progress_handler(None)
            if connection.in_transaction:
                connection.execute("ROLLBACK TO work")
                connection.execute("RELEASE work")
            if isinstance(error, apsw.InterruptError):
                raise TookTooLong from None
            failure = translated(error)
            if failure is error:
                raise
            raise failure from error
        connection.set_progress_handler(None)
        connection.execute("RELEASE work")
        return result

    def reading(self, transaction: SqliteTransaction) -> "SqliteStore":
        transaction.write_texts()
        store = copy.copy(self._store)
        store.read_with(_Bound(transaction.connection), _BoundAside(transaction.connection))
        return store

    def _is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end


class _Bound:
    """A `Reader` of the writer's connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def brief(self, query: Callable[[apsw.Connection], T]) -> T:
        return query(self._connection)

    def whole(self, query: Callable[[apsw.Connection], T]) -> T:
        return query(self._connection)


class _BoundAside:
    """`AsideReaders` that read at once."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def read(self, _: Executor, query: Callable[[apsw.Connection], T]) -> Ready[T]:
        return Ready(query(self._connection))
