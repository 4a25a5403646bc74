"""Connections in the audit."""

from typing import Any

from msgspec.structs import asdict

from moorage import audit
from moorage.connections import store
from moorage.connections.model import Connection
from moorage.storage import Transaction


def noted(connection: Connection) -> dict[str, Any]:
    """The connection as an entry shows it."""
    upstream = connection.upstream
    return {
        "app": connection.app,
        "method": connection.method,
        "status": connection.status,
        "upstream": upstream and asdict(upstream),
        "metadata": connection.metadata,
        **asdict(connection.labels),
        # Without its query, in which a program may send something secret.
        "return_url": connection.return_url and connection.return_url.partition("?")[0],
    }


async def note_change(tx: Transaction, action: str, connection: Connection) -> Connection | None:
    """Note what has changed of a connection since it was read. Gives it as it is now; None if it is gone."""
    changed = await store.find(tx, connection.id)
    if changed is not None:
        before, after = noted(connection), noted(changed)
        await audit.note_change(tx, action, connection.id, before, after, account=connection.account_id)
    return changed


async def choose(tx: Transaction, account_id: str, app: str, connection_id: str | None) -> None:
    """Choose an app's default connection, or none, and note it."""
    before = {"connection": await store.chosen(tx, account_id, app)}
    await store.choose(tx, account_id, app, connection_id)
    after = {"connection": connection_id}
    await audit.note_change(tx, "default.chosen", app, before, after, account=account_id)
