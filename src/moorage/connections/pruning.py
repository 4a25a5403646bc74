"""Deletes connections that were never connected: after a week by itself, or when a caller asks for it."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from moorage.access import Reach
from moorage.audit import note
from moorage.connections import store
from moorage.connections.model import Connection
from moorage.connections.noting import noted
from moorage.logs import Log
from moorage.storage import Database, Transaction

UNOPENED_DAYS = 7  # A connection that nobody connects is deleted after this time.
MAX_PRUNED = 200  # In one call, because nobody else can write meanwhile.

log = Log(__name__)


class Pruning:
    """`under_way` takes a time, in microseconds since the epoch, and selects the ids of the connections that people
    are connecting then. Those stay.
    """

    def __init__(self, database: Database, under_way: Callable[[int], sa.Select[tuple[str]]]) -> None:
        self._database = database
        self._under_way = under_way

    async def end_unopened(self) -> int:
        """Delete the connections of all accounts that were never connected and have not changed for UNOPENED_DAYS.

        Returns the number of deleted connections.
        """
        async with self._database.transaction() as tx:
            until = tx.now - UNOPENED_DAYS * 24 * 3600 * 1_000_000
            ended = await store.unopened(tx, until, self._under_way(tx.now))
            await _remove(tx, ended, "connection.ended")
        return len(ended)

    async def prune(
        self, account_id: str, seconds: int, app: str | None, reach: Reach, *, is_rehearsal: bool
    ) -> Sequence[Connection]:
        """Delete an account's connections that were never connected and have not changed for so many seconds.

        Returns those that were deleted, the oldest first and at most MAX_PRUNED. A rehearsal deletes nothing.
        """
        async with self._database.reading() if is_rehearsal else self._database.transaction() as tx:
            found = await store.unopened(
                tx,
                tx.now - seconds * 1_000_000,
                self._under_way(tx.now),
                account_id=account_id,
                app=app,
                reach=reach,
                limit=MAX_PRUNED,
            )
            if not is_rehearsal:
                await _remove(tx, found, "connection.pruned")
        return found


async def _remove(tx: Transaction, found: Sequence[Connection], action: str) -> None:
    for connection in found:
        await store.remove(tx, connection.id)
        await note(tx, action, connection.id, account=connection.account_id, before=noted(connection))
    if found:
        log.info("connections.ended", count=len(found), action=action)
