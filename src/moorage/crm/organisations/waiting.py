"""The organisations that may have events in their outbox, so that nobody has to open all of them to look.

`raised` counts how often an outbox has got an event after a rest, and `cleared` is what that number was before the last
look that let it rest. An organisation waits while they differ. Decision 0044 has the reasons.
"""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from moorage.storage.database import Database, Transaction
from moorage.storage.upsert import upsert

waiting = sa.Table(
    "waiting",
    sa.MetaData(),
    sa.Column("organisation", sa.BigInteger, primary_key=True),
    sa.Column("raised", sa.BigInteger),
    sa.Column("cleared", sa.BigInteger),
)


async def wake(tx: Transaction, organisation: int) -> None:
    """Let an organisation wait."""
    key = {"organisation": organisation}
    await tx.connection.execute(upsert(waiting, key, {}, first={"cleared": 0}, added={"raised": 1}))


class Waiting:
    """All methods raise DatabaseUnusable. Their transactions are quiet, as no process remembers what waits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wake(self, organisation: int) -> None:
        async with self._database.transaction(quiet=True) as tx:
            await wake(tx, organisation)

    async def all(self) -> Mapping[int, int]:
        """The organisations that wait, each with the number for `clear`."""
        statement = sa.select(waiting.c.organisation, waiting.c.raised)
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(statement.where(waiting.c.raised > waiting.c.cleared))
            return {row.organisation: row.raised for row in rows}

    async def clear(self, organisation: int, number: int) -> None:
        """Let an organisation wait no more, unless it was woken since it had this number.

        For whoever read the number first, and then let the outbox rest.
        """
        is_organisation = waiting.c.organisation == organisation
        async with self._database.transaction(quiet=True) as tx:
            is_later = waiting.c.cleared < number
            cleared = waiting.update().where(is_organisation, is_later).values(cleared=number)
            await tx.connection.execute(cleared)


class EventListener:
    """A `Listener` for one organisation. `told` is given its id after each commit with events."""

    def __init__(self, waiting: Waiting, organisation: int, told: Callable[[int], None]) -> None:
        self._waiting = waiting
        self._organisation = organisation
        self._told = told

    async def wake(self) -> None:
        await self._waiting.wake(self._organisation)

    def told(self) -> None:
        self._told(self._organisation)
