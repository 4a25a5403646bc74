"""Reads of one moment: a connection whose one transaction lasts as long as somebody reads.

The log of the file can't begin anew meanwhile, so it grows with what is written.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import apsw

from moorage.crm.storage.contract.records import RecordStore, StoreClosed
from moorage.crm.storage.sqlite.metadata_change import version
from moorage.crm.storage.sqlite.trouble import translated

if TYPE_CHECKING:
    from moorage.crm.storage.sqlite.store import SqliteStore

T = TypeVar("T")


@asynccontextmanager
async def moment(
    store: "SqliteStore", connect: Callable[[], apsw.Connection], known_version: int
) -> AsyncIterator[RecordStore]:
    """See `RecordStore.moment`. Raises StoreClosed if the metadata have another version than is known."""
    if store.closed:
        raise StoreClosed
    connection = connect()
    try:
        with store.long_files.held():
            connection.execute("BEGIN")
            if version(connection) != known_version:  # This read begins the moment.
                raise StoreClosed
            then = copy.copy(store)
            bound = _Bound(connection)
            then.read_with(bound, bound, bound)
            yield cast("RecordStore", then)
    finally:
        connection.close()


class _Bound:
    """Reads with one connection. It is a `Reader`, the `AsideReaders` and an `OrganisationFile`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def brief(self, query: Callable[[apsw.Connection], T]) -> T:
        return self.whole(query)

    def whole(self, query: Callable[[apsw.Connection], T]) -> T:
        try:
            return query(self._connection)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise translated(error) from None

    def read(self, threads: Executor, query: Callable[[apsw.Connection], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(threads, self.whole, query)

    def connect(self, _: Any = None) -> "_Unclosed":
        return _Unclosed(self._connection)


class _Unclosed:
    """The connection, for a reader of parts, who closes it too early."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.execute = connection.execute

    def close(self) -> None:
        """It is closed at the end of the moment."""
