"""The table of sealed secrets."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from moorage.storage import Transaction

secrets = sa.Table(
    "secrets",
    sa.MetaData(),
    sa.Column("owner_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary),
    sa.Column("expires_at", sa.Float),
)


async def put(tx: Transaction, owner_id: str, kind: str, value: bytes, expires_at: float | None) -> None:
    changed = {"value": value, "expires_at": expires_at}
    statement = insert(secrets).values(owner_id=owner_id, kind=kind, **changed)
    await tx.connection.execute(
        statement.on_conflict_do_update(index_elements=["owner_id", "kind"], set_=changed)
    )


async def get(tx: Transaction, owner_id: str, kind: str) -> Any:
    chosen = (secrets.c.owner_id == owner_id) & (secrets.c.kind == kind)
    return (await tx.connection.execute(sa.select(secrets).where(chosen))).first()


async def least_certain(tx: Transaction, key_id: bytes) -> Any:
    """A row sealed with another key than this one, if there is any; else some row, or None."""
    known = sa.func.substr(secrets.c.value, 1, len(key_id)) == key_id
    return (await tx.connection.execute(sa.select(secrets).order_by(known).limit(1))).first()


async def remove(tx: Transaction, owner_id: str) -> None:
    await tx.connection.execute(secrets.delete().where(secrets.c.owner_id == owner_id))
