"""What the accounts server's stores have in common: how they write, and how they delete what has ended."""

import contextlib
from collections.abc import AsyncIterator

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from moorage.clock import SKEW
from moorage.crm.accounts.errors import OwnerGone
from moorage.storage.database import Database, Transaction


@contextlib.asynccontextmanager
async def writing(database: Database) -> AsyncIterator[Transaction]:
    """A transaction. Raises OwnerGone if the client or the organisation of a new row does not exist any more."""
    try:
        async with database.transaction() as tx:
            yield tx
    except IntegrityError as error:
        raise OwnerGone from error


async def delete_ended(tx: Transaction, ends: sa.Column[float], now: float, latest: float) -> None:
    """Delete the rows whose time `ends` is over.

    `latest` is the time at which a row that is added now ends at the latest. A row with a later time was added while
    the clock was wrong, so it is deleted, too (see `clock.is_ahead`).
    """
    is_over = (ends <= now) | (ends > latest + SKEW)
    await tx.connection.execute(ends.table.delete().where(is_over))
