"""The tables of renewals: who renews a connection's token now, and when it was renewed recently."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to renew a connection's token. `fence` rises with each holder; `written_fence` is that of the last
    holder that wrote. `failures` counts failures in a row, `failure` is the reason of the last; the next try may not
    begin before `retry_at`. Times are in seconds since the epoch."""

    owner: str | None = None
    fence: int = 0
    held_until: float = 0.0
    written_fence: int = 0
    failures: int = 0
    retry_at: float = 0.0
    failure: str | None = None


async def lease(tx: Transaction, connection_id: str) -> Lease:
    chosen = sa.select(leases).where(leases.c.connection_id == connection_id)
    row = (await tx.connection.execute(chosen)).first()
    if row is None:
        return Lease()
    return Lease(
        row.owner, row.fence, row.held_until, row.written_fence, row.failures, row.retry_at, row.failure
    )


async def take(tx: Transaction, connection_id: str, found: Lease, owner: str, held_until: float) -> int:
    """Make `owner` the holder. Returns the new fence."""
    fence = found.fence + 1
    first = {"written_fence": 0, "failures": 0, "retry_at": 0.0}
    changed = {"owner": owner, "fence": fence, "held_until": held_until}
    await tx.connection.execute(upsert(leases, {"connection_id": connection_id}, changed, first))
    return fence


async def release(tx: Transaction, connection_id: str, fence: int) -> None:
    """Give a lease up, unless somebody else has taken it meanwhile."""
    held = (leases.c.connection_id == connection_id) & (leases.c.fence == fence)
    await tx.connection.execute(leases.update().where(held).values(owner=None, held_until=0.0))


async def note_written(tx: Transaction, connection_id: str, fence: int) -> bool:
    """Note that a holder writes. False means that a later holder has written: then nothing may be written."""
    first = (leases.c.connection_id == connection_id) & (leases.c.written_fence < fence)
    changed = {"written_fence": fence, **_NO_FAILURES}
    return (await tx.connection.execute(leases.update().where(first).values(changed))).rowcount == 1


async def note_failure(tx: Transaction, connection_id: str, retry_at: float, failure: str) -> None:
    changed = {"failures": leases.c.failures + 1, "retry_at": retry_at, "failure": failure}
    await tx.connection.execute(
        leases.update().where(leases.c.connection_id == connection_id).values(changed)
    )


async def forget_failures(tx: Transaction, connection_id: str) -> None:
    await tx.connection.execute(
        leases.update().where(leases.c.connection_id == connection_id).values(_NO_FAILURES)
    )


async def add_mint(
    tx: Transaction, connection_id: str, fence: int, refresh_token: bytes, begun_at: float
) -> None:
    """Note, before the accounts server is asked, that a token may be made. `refresh_token` is a digest."""
    values = {
        "connection_id": connection_id,
        "fence": fence,
        "refresh_token": refresh_token,
        "begun_at": begun_at,
    }
    await tx.connection.execute(mints.insert().values(values))


async def remove_mint(tx: Transaction, connection_id: str, fence: int) -> None:
    """Remove the note, because it is certain that no token was made."""
    chosen = (mints.c.connection_id == connection_id) & (mints.c.fence == fence)
    await tx.connection.execute(mints.delete().where(chosen))


async def late_mints(tx: Transaction, refresh_token: bytes, now: float, window: float) -> list[float]:
    """When tokens were made from a refresh token in the window, or may have been (`clock.lately`), the oldest first."""
    chosen = (mints.c.refresh_token == refresh_token) & _lately(now, window)
    rows = await tx.connection.execute(sa.select(mints.c.begun_at).where(chosen).order_by(mints.c.begun_at))
    return [row.begun_at for row in rows]


async def forget_mints(tx: Transaction, connection_id: str, now: float, window: float) -> None:
    """Delete the notes that are older than the window."""
    chosen = (mints.c.connection_id == connection_id) & ~_lately(now, window)
    await tx.connection.execute(mints.delete().where(chosen))


def _lately(now: float, window: float) -> sa.ColumnElement[bool]:
    return (mints.c.begun_at > now - window) & (mints.c.begun_at < now + window)
