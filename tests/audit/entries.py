"""What a control database has noted, as documents, the oldest first."""

import sqlalchemy as sa

from moorage.audit import store
from moorage.audit.model import document_of


def entries_of(control, account=None):
    """The entries of an account; without one, those of all accounts."""

    async def read():
        query = sa.select(store.entries).order_by(store.entries.c.at, store.entries.c.number)
        async with control.rooms.database.reading() as tx:
            return (await tx.connection.execute(query)).all()

    documents = [document_of(store._entry(row)) for row in control.run(read())]
    return [document for document in documents if account in {None, document["account"]}]
