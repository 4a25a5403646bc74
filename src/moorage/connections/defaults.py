"""The default connection: the one for calls that name no connection.

It is the connection that was chosen for the app. Without a choice it is the oldest ACTIVE one. Connections to the
embedded CRM count only as long as no account outside was connected. An account outside that FAILED still counts: a
call that was meant for it must never end in the embedded CRM.
"""

from moorage.access import Reach
from moorage.connections import store
from moorage.connections.errors import ConnectionInactive, ConnectionMissing, DefaultDeleted
from moorage.connections.model import Connection, within
from moorage.storage import Transaction

NAMED = 10  # So many connections an error names, to choose from.


async def default_in(tx: Transaction, account_id: str, app: str, reach: Reach) -> Connection:
    """The default connection of an app. Raises DefaultDeleted, ConnectionInactive, ConnectionMissing."""
    chosen = await store.chosen(tx, account_id, app)
    if chosen is not None:
        connection = await store.find(tx, chosen)
        if connection is not None and within(reach, connection):
            if connection.status != "ACTIVE":
                raise ConnectionInactive(connection.id, connection.status, role=f", the default of {app},")
            return connection
        # A key that reaches only some of the app's connections never used that choice, or can't know.
        is_for_all = not reach.embedded_only and (reach.apps is None or app in reach.apps)
        if connection is None and is_for_all:
            raise DefaultDeleted(app, chosen, await _to_choose_from(tx, account_id, app, reach))
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


async def _to_choose_from(tx: Transaction, account_id: str, app: str, reach: Reach) -> list[str]:
    active = await store.search(tx, account_id, app=app, status="ACTIVE", limit=NAMED + 1, reach=reach)
    names = [_name(connection) for connection in active[:NAMED]]
    return [*names, "…"] if len(active) > NAMED else names


def _name(connection: Connection) -> str:
    whose = connection.metadata.get("organisation") or connection.metadata.get("user")
    return f"{connection.id} ({whose})" if whose else connection.id
