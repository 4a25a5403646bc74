"""Rate limits that hold for all processes together.

Each process counts for itself. A few times a second it tells the database how much it has allowed, and learns how much
all of them have left to each account. So the average is exact, and no call waits for the database. After a pause each
process may allow one burst before it learns of the others. What is too much then, the account pays back by waiting.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from moorage.background import Loop
from moorage.keys import level_store
from moorage.keys.limits import RateLimiter
from moorage.storage import Database
from moorage.storage.errors import DatabaseUnusable

SETTLE_SECONDS = 0.25
IDLE_SECONDS = 5.0  # While there is no limit. A reload may bring one.


class Settling:
    """Settles what a limiter has allowed with the other processes of this database."""

    def __init__(self, database: Database, limiter: RateLimiter) -> None:
        self._database = database
        self._limiter = limiter

    def background(self) -> Sequence[Loop]:
        return (Loop("keys.settle_limits", self.keep_settling),)

    async def keep_settling(self) -> None:
        """Run `settle` four times a second, without end.

        While the database can't be used, this process keeps to the limit by itself. What it allows then is never
        settled: accounts would have to pay back the calls of a whole outage, and would be locked out after it.
        """
        while True:
            await asyncio.sleep(SETTLE_SECONDS if self._limiter.rate is not None else IDLE_SECONDS)
            with contextlib.suppress(DatabaseUnusable):
                await self.settle()

    async def settle(self) -> None:
        """Settle what was allowed since the last call. Writes nothing if that is nothing. Raises DatabaseUnusable."""
        spent = self._limiter.take_spent()
        if not spent or self._limiter.rate is None:
            return
        async with self._database.transaction(quiet=True) as tx:
            levels = await level_store.settle(tx, spent, self._limiter.rate, self._limiter.burst)
        self._limiter.correct(levels, tx.now / 1_000_000)
