"""Reads of one moment: a lent connection whose one transaction lasts as long as somebody reads.

The server keeps what is older than the moment meanwhile, as it does for a dump.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast

from psycopg import Connection

from moorage.crm.storage.contract.records import RecordStore, StoreClosed
from moorage.crm.storage.postgresql.inventory import READ_COUNTERS, READ_RELATIONS, OpenSchema, inventory_of
from moorage.crm.storage.postgresql.reader import Rows
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.trouble import database_trouble

if TYPE_CHECKING:
    from moorage.crm.storage.postgresql.store import PostgresqlStore


@asynccontextmanager
async def moment(
    store: "PostgresqlStore", server: PostgresqlServer, opened: OpenSchema
) -> AsyncIterator[RecordStore]:
    """See `RecordStore.moment`. Raises StoreClosed if the metadata have changed since the store was opened."""
    if store.closed:
        raise StoreClosed
    async with AsyncExitStack() as stack:
        lent = server.lend(opened.name)
        connection = await asyncio.to_thread(lent.__enter__)
        stack.push_async_callback(asyncio.to_thread, lent.__exit__, None, None, None)
        stack.push_async_callback(asyncio.to_thread, connection.rollback)
        schema = await asyncio.to_thread(_begin, connection, opened)
        then = copy.copy(store)
        then.read_with(_Bound(connection), schema)
        yield cast("RecordStore", then)


def _begin(connection: Connection, opened: OpenSchema) -> OpenSchema:
    with database_trouble():
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        counters = connection.execute(READ_COUNTERS.format(opened.name).encode()).fetchall()
        relations = connection.execute(READ_RELATIONS.format(opened.name).encode()).fetchall()
    inventory = inventory_of(counters, relations)
    if inventory.version != opened.inventory.version:
        raise StoreClosed
    return OpenSchema(opened.name, inventory)


class _Bound:
    """Asks in one connection, as a `PostgresqlServer`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, _schema: str, sql: str, params: Sequence[Any] = (), *, slow: bool = False) -> Rows:  # noqa: ARG002
        return await asyncio.to_thread(self._fetch, sql, params)

    def _fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        with database_trouble():
            return self._connection.cursor(binary=True).execute(sql.encode(), list(params)).fetchall()

    @contextmanager
    def lend(self, _schema: str) -> Iterator[Connection]:
        with database_trouble():
            yield self._connection
