"""Finds the connection that a caller names by an id or an alias, and gives aliases out."""

from moorage.access import Reach
from moorage.connections import store
from moorage.connections.errors import AliasAmbiguous, AliasTaken, ConnectionUnknown
from moorage.connections.labels import id_in, is_alias
from moorage.connections.model import Connection, within
from moorage.storage import Transaction


async def named(
    tx: Transaction, account_id: str, name: str, reach: Reach, app: str | None = None
) -> Connection:
    """The connection with this id or alias. With `app`, an alias is one of that app.

    Raises ConnectionUnknown, also for a connection of another account or out of reach, and AliasAmbiguous.
    """
    connection_id = id_in(name)
    if connection_id is not None:
        connection = await store.find(tx, connection_id)
        found = [] if connection is None or connection.account_id != account_id else [connection]
    else:
        found = await store.with_alias(tx, account_id, name, app) if is_alias(name) else []
    found = [connection for connection in found if within(reach, connection)]
    if not found:
        raise ConnectionUnknown(name)
    if len(found) > 1:
        raise AliasAmbiguous(name, [(connection.app, connection.id) for connection in found])
    return found[0]


async def require_free(
    tx: Transaction, account_id: str, app: str, alias: str | None, *, holder: str | None = None
) -> None:
    """Raises AliasTaken if another connection than `holder` has this alias.

    The check and the write that follows are one step, because transactions are serial (`Database.transaction`).
    """
    if alias is None:
        return
    holders = await store.with_alias(tx, account_id, alias, app)
    if any(connection.id != holder for connection in holders):
        raise AliasTaken(alias, app)
