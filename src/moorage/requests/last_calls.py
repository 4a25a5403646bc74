"""When each connection was called last, which is known for longer than the calls themselves."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from moorage.access import Reach
from moorage.requests.notes import Caller
from moorage.storage import Transaction
from moorage.storage.upsert import upsert

MOST_SHOWN = 200  # Connections of one answer.
_KEPT = 366 * 24 * 3600 * 1_000_000  # Microseconds.

last_calls = sa.Table(
    "last_calls",
    sa.MetaData(),
    sa.Column("connection_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("app", sa.Text),
    sa.Column("environment", sa.Text),
    # When the last call was written down, about a second after its end, in microseconds since the epoch.
    sa.Column("at", sa.BigInteger),
)
_VALUES = ("account_id", "app", "environment", "at")
_NOTE = upsert(
    last_calls,
    {"connection_id": sa.bindparam("connection_id")},
    {name: sa.bindparam(name) for name in _VALUES},
)


def note(now: int, callers: Iterable[Caller], connection: sa.Connection) -> None:
    """Note that these connections were called."""
    rows = [
        {
            "connection_id": caller.connection_id,
            "account_id": caller.account_id,
            "app": caller.app,
            "environment": caller.environment,
            "at": now,
        }
        for caller in {caller.connection_id: caller for caller in callers}.values()
        if caller.connection_id is not None
    ]
    if rows:
        # In one order in all processes, so that none waits for another one that waits for it.
        connection.execute(_NOTE, sorted(rows, key=lambda row: str(row["connection_id"])))


async def of(
    tx: Transaction, account_id: str, reach: Reach, connections: Sequence[str] | None
) -> dict[str, int]:
    """When these connections, or else all, were called last, by their ids: those that a caller may use."""
    wanted = sa.select(last_calls).where(last_calls.c.account_id == account_id)
    if connections is not None:
        wanted = wanted.where(last_calls.c.connection_id.in_(connections))
    if reach.embedded_only:
        wanted = wanted.where(last_calls.c.environment == "embedded")
    if reach.apps is not None:
        is_named = last_calls.c.connection_id.in_(reach.connections)
        wanted = wanted.where(last_calls.c.app.in_(reach.apps) | is_named)
    newest = wanted.order_by(last_calls.c.at.desc(), last_calls.c.connection_id).limit(MOST_SHOWN)
    return {row.connection_id: row.at for row in await tx.connection.execute(newest)}


async def prune(tx: Transaction) -> None:
    """Forget what is too old."""
    await tx.connection.execute(last_calls.delete().where(last_calls.c.at < tx.now - _KEPT))
