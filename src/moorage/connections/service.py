"""Create, list, choose, activate and delete connections."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from moorage.clock import Clock
from moorage.connections import store
from moorage.connections.errors import (
    ConnectionAppMismatch,
    ConnectionInactive,
    ConnectionMissing,
    ConnectionUnknown,
    SessionInvalid,
)
from moorage.connections.model import Connection, Upstream, document, within
from moorage.connections.sessions import Sessions
from moorage.http.caller import EVERYWHERE, Reach
from moorage.ids import new_uuid
from moorage.storage import Database, Transaction


class Connections:
    """`public_url` is the gateway's base URL, under which people open the page that connects.

    To a caller, connections beyond its reach are not there.
    """

    def __init__(self, database: Database, sessions: Sessions, clock: Clock, public_url: str) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._public_url = public_url

    def document(self, connection: Connection, *, with_url: bool = True) -> dict[str, Any]:
        """The connection as the API shows it. Its url is fresh, and None for those who may not have it connected."""
        return document(connection, self.url(connection) if with_url else None)

    def url(self, connection: Connection) -> str:
        """Where a person connects it, from now on for half an hour and once."""
        token = self._sessions.make(connection.id, connection.generation, self._clock.timestamp())
        return f"{self._public_url}/connect/?session_token={token}"

    async def create(self, account_id: str, app: str, method: str = "OAUTH2") -> Connection:
        """A new PENDING connection."""
        connection_id = new_uuid()
        async with self._database.transaction() as tx:
            await store.add(tx, connection_id, account_id, app, method)
            made = await store.find(tx, connection_id)
        assert made is not None
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
        async with self._database.transaction() as tx:
            return await store.search(
                tx, account_id, app=app, status=status, method=method, limit=limit, reach=reach
            )

    async def every(self) -> list[Connection]:
        """Those of all accounts, oldest first: for the operator alone."""
        async with self._database.transaction() as tx:
            return await store.every(tx)

    async def get(self, account_id: str, connection_id: str, reach: Reach = EVERYWHERE) -> Connection:
        """Raises ConnectionUnknown, for another account's as for none."""
        try:
            known = str(uuid.UUID(connection_id))
        except ValueError:
            raise ConnectionUnknown(connection_id) from None
        if known != connection_id.lower():
            raise ConnectionUnknown(connection_id)  # Python reads other ways to write a UUID as well.
        async with self._database.transaction() as tx:
            found = await store.find(tx, known)
        if found is None or found.account_id != account_id or not within(reach, found):
            raise ConnectionUnknown(connection_id)
        return found

    async def choose(
        self, account_id: str, app: str, connection_id: str | None, reach: Reach = EVERYWHERE
    ) -> Connection:
        """The connection named, else the only one in reach, else the oldest active one of the app.

        Raises what is wrong with it.
        """
        if connection_id is None and reach.apps == frozenset() and len(reach.connections) == 1:
            [connection_id] = reach.connections
        if connection_id is None:
            active = await self.search(account_id, app=app, status="ACTIVE", limit=1, reach=reach)
            if not active:
                raise ConnectionMissing(app)
            return active[0]
        found = await self.get(account_id, connection_id, reach)
        if found.app != app:
            raise ConnectionAppMismatch(found.id, app, found.app)
        if found.status != "ACTIVE":
            raise ConnectionInactive(found.id, found.status)
        return found

    async def of_session(self, token: str) -> Connection:
        """The connection that a session token may still connect. Raises SessionInvalid, SessionExpired."""
        connection_id, generation = await self._sessions.read(token, self._clock.timestamp())
        async with self._database.transaction() as tx:
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

    async def move_in(self, tx: Transaction, connection: Connection, upstream: Upstream) -> None:
        """From now on it leads elsewhere, unless it was connected anew since it was read."""
        moved = {**connection.metadata, "data_centre": upstream.data_centre}
        await store.move(tx, connection, upstream, moved)

    async def delete(self, connection: Connection, also: Callable[[Transaction], Awaitable[None]]) -> None:
        """Delete it, and do `also` in the same transaction. Raises ConnectionUnknown when somebody else just did."""
        async with self._database.transaction() as tx:
            if not await store.remove(tx, connection.id):
                raise ConnectionUnknown(connection.id)
            await also(tx)
