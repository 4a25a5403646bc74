"""Create, list, choose, activate and delete connections."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from moorage.access import EVERYWHERE, Reach
from moorage.audit import note
from moorage.clock import Clock
from moorage.connections import store
from moorage.connections.defaults import Default, default_in, default_of, names_in, only_one
from moorage.connections.errors import (
    ConnectionAppMismatch,
    ConnectionInactive,
    ConnectionUnknown,
    SessionInvalid,
)
from moorage.connections.health import Explain, health_of
from moorage.connections.labels import NO_LABELS, Labels
from moorage.connections.model import (
    NO_FILTERS,
    Connection,
    Environment,
    Filters,
    Place,
    Upstream,
    connection_document,
)
from moorage.connections.naming import named, require_free
from moorage.connections.noting import choose, note_change, noted
from moorage.connections.sessions import Sessions
from moorage.ids import new_uuid
from moorage.logs import Log
from moorage.storage import Database, Transaction

log = Log(__name__)


class Connections:
    """`public_url` is the gateway's base URL, at which people open the connect page.

    `environment` says to which kind of account an upstream of an app leads. `explain` tells what a code of an accounts
    server means. `troubles` finds, of the connections with these ids, those whose token could not be renewed lately,
    and why.

    To a caller, connections outside its reach do not exist.
    """

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        clock: Clock,
        public_url: str,
        environment: Callable[[str, Upstream], Environment],
        explain: Explain,
        troubles: Callable[[Transaction, Collection[str]], Awaitable[Mapping[str, str]]],
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._public_url = public_url
        self._environment = environment
        self._explain = explain
        self._troubles = troubles

    async def documents(
        self, listed: Sequence[Connection], *, reach: Reach, with_url: bool
    ) -> list[dict[str, Any]]:
        """The connections of an account in the form of the control API, with new urls if `with_url` is set."""
        ids = [connection.id for connection in listed]
        apps = {(connection.account_id, connection.app) for connection in listed}
        async with self._database.reading() as tx:
            troubles = await self._troubles(tx, ids)
            defaults = {await default_of(tx, account_id, app, reach) for account_id, app in sorted(apps)}
        return [
            connection_document(
                connection,
                url=self.url(connection) if with_url else None,
                environment=self._environment_of(connection),
                default=connection.id in defaults,
                health=health_of(connection, self._explain, troubles.get(connection.id)).document,
                return_url=connection.return_url if with_url else None,
            )
            for connection in listed
        ]

    def _environment_of(self, connection: Connection) -> Environment | None:
        upstream = connection.upstream
        return None if upstream is None else self._environment(connection.app, upstream)

    def url(self, connection: Connection) -> str:
        """The URL at which a person can connect it: once, and within half an hour from now."""
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
        labels: Labels = NO_LABELS,
        return_url: str | None = None,
    ) -> Connection:
        """A new PENDING connection. Raises AliasTaken.

        Its connect page shows `asked_by`, and with `embedded` it offers the embedded CRM. Whoever has connected it is
        sent to `return_url`, if the operator allows that.
        """
        connection_id = new_uuid()
        async with self._database.transaction() as tx:
            await require_free(tx, account_id, app, labels.alias)
            await store.add(
                tx,
                connection_id,
                account_id,
                app,
                method,
                asked_by=asked_by,
                embedded=embedded,
                labels=labels,
                return_url=return_url,
            )
            connection = await store.find(tx, connection_id)
            assert connection is not None
            await note(tx, "connection.created", connection_id, account=account_id, after=noted(connection))
        log.info("connection.created", connection=connection_id, app=app)
        return connection

    async def relabel(
        self,
        account_id: str,
        name: str,
        change: Callable[[Labels], Labels],
        reach: Reach = EVERYWHERE,
    ) -> Connection:
        """Change the labels of a connection, which is found by its id or alias. Raises AliasTaken and as `get`."""
        async with self._database.transaction() as tx:
            connection = await named(tx, account_id, name, reach)
            labels = change(connection.labels)
            await require_free(tx, account_id, connection.app, labels.alias, holder=connection.id)
            await store.relabel(tx, connection.id, labels)
            relabelled = await note_change(tx, "connection.relabelled", connection)
        assert relabelled is not None
        log.info("connection.relabelled", connection=connection.id, alias=labels.alias)
        return relabelled

    async def search(
        self,
        account_id: str,
        filters: Filters = NO_FILTERS,
        *,
        limit: int | None = None,
        reach: Reach = EVERYWHERE,
        after: Place | None = None,
    ) -> list[Connection]:
        """An account's connections that match all filters, the oldest first; those behind a place in that order."""
        async with self._database.reading() as tx:
            if filters.environment is None:
                return await store.search(tx, account_id, filters, limit=limit, reach=reach, after=after)
            # Only the app's file knows which accounts are for trials, so the database can't choose them.
            listed = await store.search(tx, account_id, filters, reach=reach, after=after)
        return [
            connection for connection in listed if self._environment_of(connection) == filters.environment
        ][:limit]

    async def aliases(self, account_id: str, reach: Reach) -> dict[str, str]:
        """The aliases of an account's connections that have one, by their ids."""
        async with self._database.reading() as tx:
            return await store.aliases(tx, account_id, reach)

    async def every(self) -> list[Connection]:
        """The connections of all accounts, oldest first. Only for the operator."""
        async with self._database.reading() as tx:
            return await store.every(tx)

    async def get(
        self, account_id: str, name: str, reach: Reach = EVERYWHERE, app: str | None = None
    ) -> Connection:
        """The connection with this id, or with this alias (of that app). Raises the errors of `named`."""
        async with self._database.reading() as tx:
            return await named(tx, account_id, name, reach, app)

    async def choose(
        self, account_id: str, app: str, name: str | None, reach: Reach = EVERYWHERE
    ) -> Connection:
        """The connection for a call: that with the id or alias `name`; without it the only one in reach; otherwise
        the default.

        Raises ConnectionUnknown, ConnectionAppMismatch, ConnectionInactive, and the errors of `default_in`.
        """
        name = name if name is not None else only_one(reach)
        async with self._database.reading() as tx:
            if name is None:
                return await default_in(tx, account_id, app, reach)
            connection = await named(tx, account_id, name, reach, app)
        if connection.app != app:
            raise ConnectionAppMismatch(connection.id, app, connection.app)
        if connection.status != "ACTIVE":
            raise ConnectionInactive(connection.id, connection.status)
        return connection

    async def use(self, account_id: str, app: str, name: str, reach: Reach = EVERYWHERE) -> None:
        """Make a connection the app's default. Raises the errors of `choose`."""
        connection = await self.choose(account_id, app, name, reach)
        async with self._database.transaction() as tx:
            if await store.find(tx, connection.id) is None:
                raise ConnectionUnknown(name)
            await choose(tx, account_id, app, connection.id)

    async def use_none(self, account_id: str, app: str) -> None:
        """Forget the choice for an app. Then the rule of `defaults.py` decides again."""
        async with self._database.transaction() as tx:
            await choose(tx, account_id, app, None)

    async def names(self, account_id: str, app: str, reach: Reach = EVERYWHERE) -> list[str]:
        """What a call to the app could name: the first ACTIVE connections, by alias or id, with whose account it is."""
        async with self._database.reading() as tx:
            return await names_in(tx, account_id, app, reach)

    async def default(self, account_id: str, app: str, reach: Reach = EVERYWHERE) -> Default:
        async with self._database.reading() as tx:
            return Default(
                app, await default_of(tx, account_id, app, reach), await store.chosen(tx, account_id, app)
            )

    async def of_session(self, token: str) -> Connection:
        """The connection that a session token allows to connect. Raises SessionInvalid, SessionExpired."""
        connection_id, generation = await self._sessions.read(token, self._clock.timestamp())
        async with self._database.reading() as tx:
            connection = await store.find(tx, connection_id)
        if connection is None:
            raise SessionInvalid(
                "This connection no longer exists.", help="Create a new one and open its url."
            )
        if connection.generation != generation:
            raise SessionInvalid(
                "This link was used already.", help="Ask for the connection again: its url is new."
            )
        return connection

    async def activate(
        self,
        connection: Connection,
        upstream: Upstream,
        metadata: dict[str, Any],
        also: Callable[[Transaction], Awaitable[None]],
    ) -> None:
        """Make a connection ACTIVE, and do `also` in the same transaction.

        Raises SessionInvalid if it was activated after it was read; then nothing is changed.
        """
        async with self._database.transaction() as tx:
            if not await store.activate(tx, connection, upstream, metadata):
                raise SessionInvalid("This link was used already.", help="Ask for the connection again.")
            await also(tx)
            verb = "reconnected" if connection.was_connected else "connected"
            await note_change(tx, f"connection.{verb}", connection)

    async def find_in(self, tx: Transaction, connection_id: str) -> Connection | None:
        """A connection of any account, read in an open transaction."""
        return await store.find(tx, connection_id)

    async def fail_in(self, tx: Transaction, connection: Connection, reason: str) -> None:
        """Make a connection FAILED, unless it was connected again after it was read. Calls can't use it then."""
        await store.fail(tx, connection, {**connection.metadata, "reason": reason})
        await note_change(tx, "connection.failed", connection)

    async def mend_in(self, tx: Transaction, connection: Connection) -> None:
        """Make a connection ACTIVE again that FAILED by mistake, unless it was connected again after it was read."""
        metadata = {name: value for name, value in connection.metadata.items() if name != "reason"}
        await store.mend(tx, connection, metadata)
        await note_change(tx, "connection.mended", connection)

    async def move_in(self, tx: Transaction, connection: Connection, upstream: Upstream) -> None:
        """Give a connection another upstream, unless it was connected again after it was read."""
        metadata = {**connection.metadata, "data_centre": upstream.data_centre}
        await store.move(tx, connection, upstream, metadata)
        await note_change(tx, "connection.moved", connection)

    async def widen(self, wider: Mapping[str, str]) -> None:
        """Show other scopes for connections to the embedded CRM: `wider` has the new list for an old list.

        Both are texts, in which scopes are separated by spaces.
        """
        async with self._database.transaction() as tx:
            for connection in await store.every(tx):
                scopes = wider.get(" ".join(connection.metadata.get("scopes", ())))
                if (
                    scopes is not None
                    and connection.upstream is not None
                    and connection.upstream.kind == "embedded"
                ):
                    await store.describe(tx, connection, {**connection.metadata, "scopes": scopes.split()})
                    await note_change(tx, "connection.widened", connection)

    async def withdraw(self, connection: Connection) -> None:
        """Delete a connection that was made for nothing, unless it was connected or deleted after it was read."""
        async with self._database.transaction() as tx:
            current = await store.find(tx, connection.id)
            if current is not None and current.generation == connection.generation:
                await store.remove(tx, connection.id)
                await note(
                    tx,
                    "connection.withdrawn",
                    connection.id,
                    account=connection.account_id,
                    before=noted(current),
                )

    async def delete(
        self, connection: Connection, also: Callable[[Transaction], Awaitable[None]], revocation: str
    ) -> None:
        """Delete a connection, and do `also` in the same transaction. `revocation` is whether the app ended its tokens.

        Raises ConnectionUnknown if it was deleted already.
        """
        async with self._database.transaction() as tx:
            if not await store.remove(tx, connection.id):
                raise ConnectionUnknown(connection.id)
            await also(tx)
            account, after = connection.account_id, {"revocation": revocation}
            await note(
                tx,
                "connection.deleted",
                connection.id,
                account=account,
                before=noted(connection),
                after=after,
            )
