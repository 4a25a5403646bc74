"""The tables of renewals: the lease of each connection, and the times of recent renewals."""

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from moorage.storage import Transaction
from moorage.storage.upsert import upsert

_metadata = sa.MetaData()
leases = sa.Table(
    "refresh_leases",
    _metadata,
    sa.Column("connection_id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text),
    sa.Column("fence", sa.Integer),
    sa.Column("held_until", sa.Float),
    sa.Column("written_fence", sa.Integer),
    sa.Column("failures", sa.Integer),
    sa.Column("retry_at", sa.Float),
    sa.Column("failure", sa.Text),
)
mints = sa.Table(
    "refresh_mints",
    _metadata,
    sa.Column("connection_id", sa.Text, primary_key=True),
    sa.Column("fence", sa.Integer, primary_key=True),
    sa.Column("refresh_token", sa.LargeBinary),
    sa.Column("begun_at", sa.Float),
)
_NO_FAILURES = {"failures": 0, "retry_at": 0.0, "failure": None}


class Lease(msgspec.Struct, frozen=True):
    """The right to renew a connection's token. Times are in seconds since the epoch.

    `fence` rises with each holder. `written_fence` is the fence of the last holder that has written. `failures` counts
    the failures since the last success, and `failure` is the reason of the last one. The next try may not begin before
    `retry_at`.
    """

    owner: str | None = None
    fence: int = 0
    held_until: float = 0.0
    written_fence: int = 0
    failures: int = 0
    retry_at: float = 0.0
    failure: str | None = None


async def lease(tx: Transaction, connection_id: str) -> Lease:
    query = sa.select(leases).where(leases.c.connection_id == connection_id)
    row = (await tx.connection.execute(query)).first()
    if row is None:
        return Lease()
    return Lease(
        row.owner, row.fence, row.held_until, row.written_fence, row.failures, row.retry_at, row.failure
    )


async def take(tx: Transaction, connection_id: str, before: Lease, owner: str, held_until: float) -> int:
    """Make `owner` the holder. `before` is the lease as it was read in this transaction. Returns the new fence."""
    fence = before.fence + 1
    first = {"written_fence": 0, "failures": 0, "retry_at": 0.0}
    values = {"owner": owner, "fence": fence, "held_until": held_until}
    await tx.connection.execute(upsert(leases, {"connection_id": connection_id}, values, first))
    return fence


async def release(tx: Transaction, connection_id: str, fence: int) -> None:
    """Give a lease up, unless another process has taken it meanwhile."""
    is_held = (leases.c.connection_id == connection_id) & (leases.c.fence == fence)
    await tx.connection.execute(leases.update().where(is_held).values(owner=None, held_until=0.0))


async def note_written(tx: Transaction, connection_id: str, fence: int) -> bool:
    """Note that a holder writes. False means that a later holder has written, so that this one must not write."""
    is_latest = (leases.c.connection_id == connection_id) & (leases.c.written_fence < fence)
    values = {"written_fence": fence, **_NO_FAILURES}
    return (await tx.connection.execute(leases.update().where(is_latest).values(values))).rowcount == 1


async def note_failure(tx: Transaction, connection_id: str, retry_at: float, failure: str) -> None:
    values = {"failures": leases.c.failures + 1, "retry_at": retry_at, "failure": failure}
    await tx.connection.execute(leases.update().where(leases.c.connection_id == connection_id).values(values))


async def failures(tx: Transaction, connection_ids: Collection[str]) -> dict[str, str]:
    """The reasons of the last failures to renew, of those of the connections whose last renewal failed."""
    failing = (leases.c.failures > 0) & leases.c.connection_id.in_(connection_ids)
    query = sa.select(leases.c.connection_id, leases.c.failure).where(failing)
    return {row.connection_id: row.failure or "unknown" for row in await tx.connection.execute(query)}


async def forget_failures(tx: Transaction, connection_id: str) -> None:
    await tx.connection.execute(
        leases.update().where(leases.c.connection_id == connection_id).values(_NO_FAILURES)
    )


async def add_mint(
    tx: Transaction, connection_id: str, fence: int, refresh_token: bytes, begun_at: float
) -> None:
    """Note, before the request to the accounts server, that it may make a token. `refresh_token` is a digest."""
    values = {
        "connection_id": connection_id,
        "fence": fence,
        "refresh_token": refresh_token,
        "begun_at": begun_at,
    }
    await tx.connection.execute(mints.insert().values(values))


async def most_mints(tx: Transaction, window: float) -> dict[tuple[str, ...], float]:
    """How many tokens the refresh token with the most of them has made in the last `window` seconds."""
    made = sa.func.count().label("made")
    each = sa.select(made).where(_lately(tx.now / 1_000_000, window)).group_by(mints.c.refresh_token)
    query = sa.select(sa.func.max(each.subquery().c.made))
    return {(): (await tx.connection.execute(query)).scalar() or 0}


async def remove_mint(tx: Transaction, connection_id: str, fence: int) -> None:
    """Remove the note, because certainly no token was made."""
    is_noted = (mints.c.connection_id == connection_id) & (mints.c.fence == fence)
    await tx.connection.execute(mints.delete().where(is_noted))


async def late_mints(tx: Transaction, refresh_token: bytes, now: float, window: float) -> list[float]:
    """The times in the window at which a refresh token made tokens, or may have made them, the oldest first."""
    is_recent = (mints.c.refresh_token == refresh_token) & _lately(now, window)
    rows = await tx.connection.execute(
        sa.select(mints.c.begun_at).where(is_recent).order_by(mints.c.begun_at)
    )
    return [row.begun_at for row in rows]


async def mints_of(tx: Transaction, connection_ids: Collection[str], window: float) -> dict[str, list[float]]:
    """The times in the window at which tokens of these connections were made, or may have been, the oldest first."""
    is_recent = mints.c.connection_id.in_(connection_ids) & _lately(tx.now / 1_000_000, window)
    query = sa.select(mints.c.connection_id, mints.c.begun_at).where(is_recent).order_by(mints.c.begun_at)
    found: dict[str, list[float]] = {}
    for row in await tx.connection.execute(query):
        found.setdefault(row.connection_id, []).append(row.begun_at)
    return found


async def forget_mints(tx: Transaction, connection_id: str, now: float, window: float) -> None:
    """Delete the notes that are older than the window."""
    is_old = (mints.c.connection_id == connection_id) & ~_lately(now, window)
    await tx.connection.execute(mints.delete().where(is_old))


def _lately(now: float, window: float) -> sa.ColumnElement[bool]:
    """The rule of `clock.lately`, in SQL."""
    return (mints.c.begun_at > now - window) & (mints.c.begun_at < now + window)
