"""Organisations that are about to leave for another CRM: what changes in them is written down.

The registry knows them meanwhile. While one is copied, its process has the lock of `CrmStorage.exclusively`. So whoever
has that lock and finds one knows that its process has died.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from moorage.crm.organisations.moves import DEPARTING, InThread, add_move, moves, origin_of
from moorage.crm.storage.contract.organisations import OrganisationStorage, Place
from moorage.crm.storage.contract.transfers import Transfer
from moorage.logs import Log
from moorage.storage.database import Database
from moorage.storage.errors import DatabaseUnusable

log = Log(__name__)


class Departures:
    def __init__(self, database: Database, stored: OrganisationStorage, in_thread: InThread) -> None:
        self._database = database
        self._stored = stored
        self._in_thread = in_thread

    @asynccontextmanager
    async def of(self, place: Place) -> AsyncIterator[None]:
        """The context in which an organisation's changes may be written down."""
        async with self._database.transaction() as tx:
            await add_move(tx, Transfer(place, None, 1 + secrets.randbits(62)), DEPARTING)
        try:
            yield
        finally:
            await self._end(place)

    async def settle(self) -> None:
        """End the departures whose processes have died: the organisations stay where they are."""
        async with self._database.reading() as tx:
            rows = (await tx.connection.execute(sa.select(moves).where(_is_departing))).all()
        for row in rows:
            try:
                await self._end(origin_of(row))
            except DatabaseUnusable as error:
                log.warning("crm.departure_unfinished", organisation=row.slug, reason=error.message)

    async def _end(self, place: Place) -> None:
        await self._in_thread(self._stored.stay, place)
        async with self._database.transaction() as tx:
            its_own = moves.c.organisation == place.identity
            await tx.connection.execute(moves.delete().where(_is_departing, its_own))


_is_departing = moves.c.state == DEPARTING
