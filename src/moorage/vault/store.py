"""The table of sealed secrets."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from moorage.storage import Transaction
from moorage.storage.upsert import upsert
from moorage.vault.model import KEY_ID_SIZE

secrets = sa.Table(
    "secrets",
    sa.MetaData(),
    sa.Column("owner_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary),
    sa.Column("expires_at", sa.Float),
)
# So begin the owners of what was derived from keys that are no longer live; no other owner does.
RETIRED = "retired key "
# A sealed value begins with the id of its key.
_key_id: sa.ColumnElement[bytes] = sa.literal_column(
    f"substr(value, 1, {KEY_ID_SIZE})",
    sa.LargeBinary,  # As the index has it.
)


async def put(tx: Transaction, owner_id: str, kind: str, value: bytes, expires_at: float | None) -> None:
    changed = {"value": value, "expires_at": expires_at}
    await tx.connection.execute(upsert(secrets, {"owner_id": owner_id, "kind": kind}, changed))


async def get(tx: Transaction, owner_id: str, kind: str) -> Any:
    chosen = (secrets.c.owner_id == owner_id) & (secrets.c.kind == kind)
    return (await tx.connection.execute(sa.select(secrets).where(chosen))).first()


async def any_row(tx: Transaction) -> Any:
    return (await tx.connection.execute(sa.select(secrets).limit(1))).first()


async def sealed_otherwise(tx: Transaction, key_ids: Sequence[bytes]) -> Any:
    """A row that none of these keys sealed, or None."""
    found = await some_sealed_otherwise(tx, key_ids, most=1)
    return found[0] if found else None


async def some_sealed_otherwise(tx: Transaction, key_ids: Sequence[bytes], *, most: int) -> Sequence[Any]:
    chosen = sa.select(secrets).where(_key_id.not_in(key_ids)).limit(most)
    return (await tx.connection.execute(chosen)).all()


async def forget_sealed_otherwise(tx: Transaction, key_ids: Sequence[bytes]) -> int:
    """Delete the rows that none of these keys sealed; how many there were."""
    return (await tx.connection.execute(secrets.delete().where(_key_id.not_in(key_ids)))).rowcount


async def count_by_key(tx: Transaction) -> dict[bytes, int]:
    """How many values each key sealed."""
    counted = sa.select(_key_id, sa.func.count()).select_from(secrets).group_by(_key_id)
    return {row[0]: row[1] for row in await tx.connection.execute(counted)}


async def retired(tx: Transaction, kind: str, *, now: float) -> Sequence[Any]:
    """What was derived for a purpose from keys that are no longer live, as long as it is to be known."""
    chosen = _is_retired() & (secrets.c.kind == kind) & (secrets.c.expires_at > now)
    return (await tx.connection.execute(sa.select(secrets).where(chosen))).all()


async def forget_retired(tx: Transaction, *, now: float) -> None:
    await tx.connection.execute(secrets.delete().where(_is_retired() & (secrets.c.expires_at <= now)))


async def remove(tx: Transaction, owner_id: str, kind: str | None) -> None:
    chosen = secrets.c.owner_id == owner_id
    if kind is not None:
        chosen &= secrets.c.kind == kind
    await tx.connection.execute(secrets.delete().where(chosen))


def _is_retired() -> sa.ColumnElement[bool]:
    return secrets.c.owner_id.startswith(RETIRED)
