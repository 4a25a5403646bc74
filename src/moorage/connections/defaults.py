"""The default connection: the connection for calls that name none.

It is the connection that was chosen for the app. Without a choice, it is the oldest ACTIVE connection to an account
outside the embedded CRM. A connection to the embedded CRM is the default only if no account outside was ever connected.
An account outside whose connection FAILED counts, too: a call for it must never reach the embedded CRM.
"""

import msgspec

from moorage.access import Reach
from moorage.connections import store
from moorage.connections.errors import ConnectionInactive, ConnectionMissing, DefaultDeleted
from moorage.connections.model import Connection, Filters, within
from moorage.errors import MoorageError
from moorage.storage import Transaction

MAX_SUGGESTIONS = 10  # Connections that an error lists to choose from.


class Default(msgspec.Struct, frozen=True):
    """The default connection of an app, and the connection that was chosen as such. Either may be None.

    If only `chosen` is set, that connection was deleted or is not ACTIVE.
    """

    app: str
    connection_id: str | None
    chosen: str | None


async def default_in(tx: Transaction, account_id: str, app: str, reach: Reach) -> Connection:
    """The default connection of an app. Raises DefaultDeleted, ConnectionInactive, ConnectionMissing."""
    chosen = await store.chosen(tx, account_id, app)
    if chosen is not None:
        connection = await store.find(tx, chosen)
        if connection is not None and within(reach, connection):
            if connection.status != "ACTIVE":
                raise ConnectionInactive(connection.id, connection.status, role=f", the default of {app},")
            return connection
        # A key that reaches only some of the app's connections must not learn that another connection was deleted.
        is_for_all = not reach.embedded_only and (reach.apps is None or app in reach.apps)
        if connection is None and is_for_all:
            raise DefaultDeleted(app, chosen, await names_in(tx, account_id, app, reach))
    return await _by_rule(tx, account_id, app, reach)


async def _by_rule(tx: Transaction, account_id: str, app: str, reach: Reach) -> Connection:
    active = await store.first(tx, account_id, app, "ACTIVE", reach)
    if active is not None and active.is_outside:
        return active
    failed = await store.first(tx, account_id, app, "FAILED", reach)
    if failed is not None and failed.is_outside:
        raise ConnectionInactive(
            failed.id, failed.status, role=f", the only one of {app} to an account outside,"
        )
    if active is None:
        raise ConnectionMissing(app)
    return active


async def names_in(tx: Transaction, account_id: str, app: str, reach: Reach) -> list[str]:
    """The ACTIVE connections that a call to the app could name: their aliases or ids, and whose account each is."""
    limit = MAX_SUGGESTIONS + 1
    filters = Filters(app=app, status="ACTIVE")
    active = await store.search(tx, account_id, filters, limit=limit, reach=reach)
    names = [connection.shown_name for connection in active[:MAX_SUGGESTIONS]]
    return [*names, "…"] if len(active) > MAX_SUGGESTIONS else names


def only_one(reach: Reach) -> str | None:
    """The id of the connection of a key for a single connection; None for other keys."""
    if reach.apps == frozenset() and len(reach.connections) == 1:
        return next(iter(reach.connections))
    return None


async def default_of(tx: Transaction, account_id: str, app: str, reach: Reach) -> str | None:
    """The id of the connection for calls that name none, or None."""
    only = only_one(reach)
    if only is not None:
        connection = await store.find(tx, only)
        if connection is None or not within(reach, connection):
            return None
        is_used = (connection.account_id, connection.app, connection.status) == (account_id, app, "ACTIVE")
        return only if is_used else None
    try:
        return (await default_in(tx, account_id, app, reach)).id
    except MoorageError:
        return None
