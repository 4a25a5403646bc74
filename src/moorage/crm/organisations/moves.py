"""Organisations that are on their way to another server.

The registry knows each move from before its first step until after its last one. While it runs, its process has the
lock of `CrmStorage.exclusively`. So whoever has that lock and finds a move knows that its process has died, and
settles it.
"""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import sqlalchemy as sa

from moorage.crm.errors import OrganisationInvalid
from moorage.crm.organisations.registry import OrganisationRow, Registry, relocate
from moorage.crm.organisations.threads import to_its_end
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.transfers import Load, Report, Transfer, Transfers
from moorage.logs import Log
from moorage.near import did_you_mean
from moorage.settings.databases import MAIN
from moorage.storage.database import Database, Transaction
from moorage.storage.errors import DatabaseUnusable

# `origin` and `server` are names, "" for the server of the registry.
moves = sa.Table(
    "moves",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("organisation", sa.BigInteger),
    sa.Column("slug", sa.Text),
    sa.Column("origin", sa.Text),
    sa.Column("server", sa.Text),
    sa.Column("state", sa.Text),
)
COPYING = "copying"
DONE = "done"  # The registry has the new place. The original is to be removed.
UNDONE = "undone"  # The organisation stays where it is. The copy is to be removed.
DEPARTING = "departing"  # To another CRM, see `departures.py`.

PAUSE = 0.02  # Seconds between two tries to open an organisation that is about to arrive.
SOON = 100  # Tries.
PATIENCE = 5.0  # Seconds to wait for the lock for work on whole organisations.

log = Log(__name__)


class MoveStopped(Exception):
    """The caller has gone."""


class InThread(Protocol):
    def __call__(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


class Moves:
    """`in_thread` runs work that waits; `forget` closes an organisation, so that it is opened again.

    All methods raise DatabaseUnusable. Those that change something are called with the lock for work on whole
    organisations.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        transfers: Transfers | None,
        in_thread: InThread,
        forget: Callable[[int], Awaitable[None]],
    ) -> None:
        self._database = database
        self._registry = registry
        self._transfers = transfers
        self._in_thread = in_thread
        self._forget = forget

    async def check(self, row: OrganisationRow, server: str) -> tuple[int, int]:
        """About how many rows and bytes a move would copy. Raises OrganisationInvalid if it can't be moved."""
        rows, size = await self._in_thread(self._servers.check, self._planned(row, server))
        return rows, size

    async def run(self, row: OrganisationRow, server: str, report: Report) -> None:
        """Move an organisation to a server, by its name, while it is used. Raises OrganisationInvalid.

        If the caller is cancelled, the organisation stays where it is, unless it is already used at the new place.
        """
        transfer, stopped = self._planned(row, server), threading.Event()

        def told(step: str, done: int, expected: int) -> None:
            if stopped.is_set():
                raise MoveStopped
            report(step, done, expected)

        await self._in_thread(self._servers.check, transfer)
        await self._begin(transfer)
        report("begun", 0, 0)
        try:
            await to_its_end(self._in_thread(self._servers.run, transfer, told), stopped)
        finally:
            await self._settle(transfer, report=report)
        report("removed", 0, 0)

    async def loads(self) -> Mapping[str, Load | DatabaseUnusable]:
        """How much is on each server, by its name. Empty for a storage without servers."""
        loads: dict[str, Load | DatabaseUnusable] = {}
        for server in self._transfers.servers if self._transfers is not None else ():
            try:
                loads[server or MAIN] = await self._in_thread(self._servers.load, server)
            except DatabaseUnusable as error:
                loads[server or MAIN] = error
        return loads

    async def settle(self) -> None:
        """Bring the moves to their end whose processes have died. Moves whose servers can't be reached wait."""
        for transfer, state in await self._all():
            try:
                await self._settle(transfer, state)
            except DatabaseUnusable as error:
                log.warning("crm.move_unfinished", organisation=transfer.origin.slug, reason=error.message)

    async def concerns(self, row: OrganisationRow) -> bool:
        """Whether the organisation may be at another place than `row` says, now or in a moment."""
        if self._transfers is None:
            return False
        async with self._database.reading() as tx:
            is_moving = (await tx.connection.execute(_of(row.id))).first() is not None
        now = await self._registry.get(row.id)
        return is_moving or now is None or now.server != row.server

    async def wait(self, row: OrganisationRow, tries: int, settle: Callable[[], Awaitable[None]]) -> None:
        """Wait a moment until an organisation has arrived at its new place, after `tries` that found nothing.

        If it does not arrive, its process may have died: then `settle` is called, which waits for the lock.
        """
        if tries < SOON:
            await asyncio.sleep(PAUSE)
            return
        if tries == SOON:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await settle()
                return
        raise DatabaseUnusable(
            f"The organisation {row.slug!r} is on its way to another server.",
            help="Repeat the call. The move comes to its end by itself, once both servers can be reached.",
            kind="busy",
        )

    async def _settle(
        self, transfer: Transfer, state: str = COPYING, report: Report = lambda *_: None
    ) -> None:
        if state == COPYING:
            is_done = await self._in_thread(self._servers.is_done, transfer)
            state = await self._decide(transfer, DONE if is_done else UNDONE)
        report("arrived" if state == DONE else "stopped", 0, 0)
        if state == DONE:
            await self._forget(transfer.origin.identity)
        remove = self._servers.remove_original if state == DONE else self._servers.remove_copy
        await self._in_thread(remove, transfer)
        async with self._database.transaction() as tx:
            await tx.connection.execute(moves.delete().where(moves.c.number == transfer.number))

    async def _decide(self, transfer: Transfer, state: str) -> str:
        """If the move is done, every process finds the organisation at its new place from now on."""
        async with self._database.transaction() as tx:
            change = moves.update().where(moves.c.number == transfer.number).values(state=state)
            await tx.connection.execute(change)
            if state == DONE:
                await relocate(tx, transfer.target)
        return state

    async def _begin(self, transfer: Transfer) -> None:
        origin = transfer.origin
        async with self._database.transaction() as tx:
            if (await tx.connection.execute(_of(origin.identity))).first() is not None:
                raise OrganisationInvalid(
                    f"An earlier move of {origin.slug!r} did not come to its end, as a server could not be reached.",
                    help="Repeat the command when all servers can be reached.",
                )
            await add_move(tx, transfer, COPYING)

    async def _all(self) -> list[tuple[Transfer, str]]:
        if self._transfers is None:
            return []
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(sa.select(moves).where(moves.c.state != DEPARTING))
        return [
            (
                Transfer(origin_of(row), row.server or None, row.number),
                row.state,
            )
            for row in rows
        ]

    def _planned(self, row: OrganisationRow, server: str) -> Transfer:
        name = None if server == MAIN else server
        servers = [known or MAIN for known in self._servers.servers]
        if server not in servers:
            raise OrganisationInvalid(
                f"There is no server {server!r}.{did_you_mean(server, servers)}",
                help=f"Known: {', '.join(servers)}. MOORAGE_CRM_SERVERS names them.",
            )
        if name == row.server:
            raise OrganisationInvalid(f"{row.slug!r} is on the server {server!r} already.")
        return Transfer(row.place, name, 1 + secrets.randbits(62))

    @property
    def _servers(self) -> Transfers:
        if self._transfers is None:
            raise OrganisationInvalid(
                "Organisations in SQLite files are on no server.",
                help="`moorage help operations` explains servers.",
            )
        return self._transfers


async def add_move(tx: Transaction, transfer: Transfer, state: str) -> None:
    origin = transfer.origin
    values = {
        "number": transfer.number,
        "organisation": origin.identity,
        "slug": origin.slug,
        "origin": origin.server or "",
        "server": transfer.server or "",
        "state": state,
    }
    await tx.connection.execute(moves.insert().values(values))


def origin_of(row: sa.Row[Any]) -> Place:
    """The place at which the organisation of a row of `moves` is at first."""
    return Place(row.slug, row.organisation, row.origin or None)


def _of(identity: int) -> sa.Select[tuple[int]]:
    return sa.select(moves.c.number).where(moves.c.organisation == identity, moves.c.state != DEPARTING)
