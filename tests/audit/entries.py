"""A control database, and what it has noted, as documents, the oldest first."""

import asyncio

import sqlalchemy as sa

from moorage.audit import store
from moorage.audit.model import document_of
from moorage.clock import SystemClock
from moorage.storage import Database


def entries_of(control, account=None):
    """The entries of an account; without one, those of all accounts."""

    async def read():
        query = sa.select(store.entries).order_by(store.entries.c.at, store.entries.c.number)
        async with control.rooms.database.reading() as tx:
            return (await tx.connection.execute(query)).all()

    documents = [document_of(store._entry(row)) for row in control.run(read())]
    return [document for document in documents if account in {None, document["account"]}]


def run(url, work):
    """What `work` returns, which gets the control database at this URL."""

    async def opened():
        database = Database(url, SystemClock())
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())
