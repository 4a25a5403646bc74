"""Create, list, choose, activate and delete connections."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog

from moorage.access import EVERYWHERE, Reach
from moorage.background import Loop
from moorage.clock import Clock
from moorage.connections import store
from moorage.connections.defaults import default_in
from moorage.connections.errors import (
    ConnectionAppMismatch,
    ConnectionInactive,
    ConnectionUnknown,
    SessionInvalid,
)
from moorage.connections.model import Connection, Environment, Upstream, connection_document, within
from moorage.connections.sessions import Sessions
from moorage.errors import MoorageError
from moorage.ids import new_uuid
from moorage.storage import Database, Transaction

UNOPENED_DAYS = 7  # For how long a connection waits for somebody to connect it.

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Default:
    """What a call of an app goes through that names no connection, and what was chosen for that; either may be none.

    A choice that is set while nothing is gone through was deleted, or is not ACTIVE.
    """

    app: str
    connection_id: str | None
    chosen: str | None


class Connections:
    """`public_url` is the gateway's base URL, under which people open the page that connects.

    `environment` says of what kind an account is that an app's connection leads to. `under_way` selects the ids of the
    connections that somebody is connecting at a time, in microseconds since the epoch.

    To a caller, connections beyond its reach are not there.
    """

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        clock: Clock,
        public_url: str,
        environment: Callable[[str, Upstream], Environment],
        under_way: Callable[[int], sa.Select[tuple[str]]],
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._public_url = public_url
        self._environment = environment
        self._under_way = under_way

    def document(
        self, connection: Connection, *, default: bool = False, with_url: bool = True
    ) -> dict[str, Any]:
        """The connection as the API shows it. Its url is fresh, and None for those who may not have it connected."""
        upstream = connection.upstream
        return connection_document(
            connection,
            url=self.url(connection) if with_url else None,
            environment=self._environment(connection.app, upstream) if upstream is not None else None,
            default=default,
        )

    def url(self, connection: Connection) -> str:
        """Where a person connects it, from now on for half an hour and once."""
        token = self._sessions.make(connection.id, connection.generation, self._clock.timestamp())
        return f"{self._public_url}/connect/?session_token={token}"

    async def create(
        self,
        account_id: str,
        app: str,
        method: str = "OAUTH2",
        *,
        asked_by: str | None = None,
        embedded: bool = False,
    ) -> Connection:
        """A new PENDING connection.

        The page that connects it says who asks; `embedded` has it offer the embedded CRM.
        """
        connection_id = new_uuid()
        async with self._database.transaction() as tx:
            await store.add(tx, connection_id, account_id, app, method, asked_by=asked_by, embedded=embedded)
            made = await store.find(tx, connection_id)
        assert made is not None
        log.info("connection.created", connection=connection_id, app=app)
        return made

    async def search(
        self,
        account_id: str,
        *,
        app: str | None = None,
        status: str | None = None,
        method: str | None = None,
        limit: int | None = None,
        reach: Reach = EVERYWHERE,
    ) -> list[Connection]:
        async with self._database.reading() as tx:
            return await store.search(
                tx, account_id, app=app, status=status, method=method, limit=limit, reach=reach
            )

    async def every(self) -> list[Connection]:
        """Those of all accounts, oldest first: for the operator alone."""
        async with self._database.reading() as tx:
            return await store.every(tx)

    async def get(self, account_id: str, connection_id: str, reach: Reach = EVERYWHERE) -> Connection:
        """Raises ConnectionUnknown, for another account's as for none."""
        try:
            known = str(uuid.UUID(connection_id))
        except ValueError:
            raise ConnectionUnknown(connection_id) from None
        if known != connection_id.lower():
            raise ConnectionUnknown(connection_id)  # Python reads other ways to write a UUID as well.
        async with self._database.reading() as tx:
            found = await store.find(tx, known)
        if found is None or found.account_id != account_id or not within(reach, found):
            raise ConnectionUnknown(connection_id)
        return found

    async def choose(
        self, account_id: str, app: str, connection_id: str | None, reach: Reach = EVERYWHERE
    ) -> Connection:
        """The connection named, else the only one in reach, else the default (`defaults.py`).

        Raises what is wrong with it.
        """
        connection_id = connection_id if connection_id is not None else _only_one(reach)
        if connection_id is None:
            async with self._database.reading() as tx:
                return await default_in(tx, account_id, app, reach)
        found = await self.get(account_id, connection_id, reach)
        if found.app != app:
            raise ConnectionAppMismatch(found.id, app, found.app)
        if found.status != "ACTIVE":
            raise ConnectionInactive(found.id, found.status)
        return found

    async def use(self, account_id: str, app: str, connection_id: str, reach: Reach = EVERYWHERE) -> None:
        """Let calls of an app that name no connection go through that one. Raises what `choose` raises of it."""
        found = await self.choose(account_id, app, connection_id, reach)
        async with self._database.transaction() as tx:
            if await store.find(tx, found.id) is None:
                raise ConnectionUnknown(connection_id)
            await store.choose(tx, account_id, app, found.id)

    async def use_none(self, account_id: str, app: str) -> None:
        """Forget what was chosen for an app, so that the rule holds again."""
        async with self._database.transaction() as tx:
            await store.choose(tx, account_id, app, None)

    async def default(self, account_id: str, app: str, reach: Reach = EVERYWHERE) -> Default:
        async with self._database.reading() as tx:
            return Default(
                app, await _default_of(tx, account_id, app, reach), await store.chosen(tx, account_id, app)
            )

    async def defaults(
        self, account_id: str, apps: Iterable[str], reach: Reach = EVERYWHERE
    ) -> frozenset[str]:
        """The ids of the connections that calls of these apps go through if they name none."""
        async with self._database.reading() as tx:
            found = [await _default_of(tx, account_id, app, reach) for app in sorted(set(apps))]
        return frozenset(one for one in found if one is not None)

    async def of_session(self, token: str) -> Connection:
        """The connection that a session token may still connect. Raises SessionInvalid, SessionExpired."""
        connection_id, generation = await self._sessions.read(token, self._clock.timestamp())
        async with self._database.reading() as tx:
            found = await store.find(tx, connection_id)
        if found is None:
            raise SessionInvalid(
                "This connection no longer exists.", help="Create a new one and open its url."
            )
        if found.generation != generation:
            raise SessionInvalid(
                "This link was used already.", help="Ask for the connection again: its url is new."
            )
        return found

    async def activate(
        self,
        connection: Connection,
        upstream: Upstream,
        metadata: dict[str, Any],
        also: Callable[[Transaction], Awaitable[None]],
    ) -> None:
        """Make it ACTIVE, and do `also` in the same transaction.

        Raises SessionInvalid when it was activated since it was read; nothing is changed then.
        """
        async with self._database.transaction() as tx:
            if not await store.activate(tx, connection, upstream, metadata):
                raise SessionInvalid("This link was used already.", help="Ask for the connection again.")
            await also(tx)

    async def find_in(self, tx: Transaction, connection_id: str) -> Connection | None:
        """The connection as it is in an open transaction, whoever's it is."""
        return await store.find(tx, connection_id)

    async def fail_in(self, tx: Transaction, connection: Connection, reason: str) -> None:
        """Make it FAILED, unless it was connected anew since it was read: it can't be used until somebody does so."""
        await store.fail(tx, connection, {**connection.metadata, "reason": reason})

    async def mend_in(self, tx: Transaction, connection: Connection) -> None:
        """Make one ACTIVE again that FAILED by mistake, unless it was connected anew since it was read."""
        metadata = {name: value for name, value in connection.metadata.items() if name != "reason"}
        await store.mend(tx, connection, metadata)

    async def move_in(self, tx: Transaction, connection: Connection, upstream: Upstream) -> None:
        """From now on it leads elsewhere, unless it was connected anew since it was read."""
        moved = {**connection.metadata, "data_centre": upstream.data_centre}
        await store.move(tx, connection, upstream, moved)

    async def end_unopened(self) -> int:
        """Delete the connections that were not connected within a week, nor since the only tries at it failed; how many
        those were. One that somebody is connecting just now stays."""
        async with self._database.transaction() as tx:
            until = tx.now - UNOPENED_DAYS * 24 * 3600 * 1_000_000
            return await store.remove_unopened(tx, until, self._under_way(tx.now))

    def background(self) -> Sequence[Loop]:
        return (Loop("connections.end_unopened", self.keep_ending),)

    async def keep_ending(self) -> None:
        """Do so once an hour, for as long as this runs."""
        while True:
            ended = await self.end_unopened()
            if ended:
                log.info("connections.ended", count=ended)
            await asyncio.sleep(3600)

    async def delete(self, connection: Connection, also: Callable[[Transaction], Awaitable[None]]) -> None:
        """Delete it, and do `also` in the same transaction. Raises ConnectionUnknown when somebody else just did."""
        async with self._database.transaction() as tx:
            if not await store.remove(tx, connection.id):
                raise ConnectionUnknown(connection.id)
            await also(tx)


def _only_one(reach: Reach) -> str | None:
    """The connection that a key is for, if it is for a single one."""
    if reach.apps == frozenset() and len(reach.connections) == 1:
        return next(iter(reach.connections))
    return None


async def _default_of(tx: Transaction, account_id: str, app: str, reach: Reach) -> str | None:
    only = _only_one(reach)
    if only is not None:
        found = await store.find(tx, only)
        is_used = found is not None and (found.account_id, found.app, found.status) == (
            account_id,
            app,
            "ACTIVE",
        )
        return only if is_used and found is not None and within(reach, found) else None
    try:
        return (await default_in(tx, account_id, app, reach)).id
    except MoorageError:
        return None
