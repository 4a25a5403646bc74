"""Which connection a call goes through that names none.

It is the one that was chosen for the app. Without a choice it is the oldest ACTIVE one, and the embedded CRM only
stands in: its connections count for as long as no account outside was connected. An account outside that failed still
counts, so that what was meant for it never ends in the embedded CRM.
"""

from moorage.access import Reach
from moorage.connections import store
from moorage.connections.errors import ConnectionInactive, ConnectionMissing, DefaultDeleted
from moorage.connections.model import Connection, within
from moorage.storage import Transaction

NAMED = 10  # So many connections are named to choose from.


async def default_in(tx: Transaction, account_id: str, app: str, reach: Reach) -> Connection:
    """Raises DefaultDeleted, ConnectionInactive, ConnectionMissing."""
    chosen = await store.chosen(tx, account_id, app)
    if chosen is not None:
        found = await store.find(tx, chosen)
        if found is not None and within(reach, found):
            if found.status != "ACTIVE":
                raise ConnectionInactive(found.id, found.status, role=f", the default of {app},")
            return found
        # Keys that reach a part of the app's connections only never went by that choice, or can't tell.
        is_for_all = not reach.embedded_only and (reach.apps is None or app in reach.apps)
        if found is None and is_for_all:
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
    names = [_name(one) for one in active[:NAMED]]
    return [*names, "…"] if len(active) > NAMED else names


def _name(connection: Connection) -> str:
    whose = connection.metadata.get("organisation") or connection.metadata.get("user")
    return f"{connection.id} ({whose})" if whose else connection.id
