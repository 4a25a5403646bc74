"""The table of encrypted secrets."""

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
# Keys that were derived from a retired key are stored under an owner id with this prefix. No other owner id has it.
RETIRED = "retired key "
# An encrypted value begins with the id of its key.
_key_id: sa.ColumnElement[bytes] = sa.literal_column(
    f"substr(value, 1, {KEY_ID_SIZE})",
    sa.LargeBinary,  # The same type as in the index.
)


async def put(tx: Transaction, owner_id: str, kind: str, value: bytes, expires_at: float | None) -> None:
    values = {"value": value, "expires_at": expires_at}
    await tx.connection.execute(upsert(secrets, {"owner_id": owner_id, "kind": kind}, values))


async def get(tx: Transaction, owner_id: str, kind: str) -> Any:
    has_key = (secrets.c.owner_id == owner_id) & (secrets.c.kind == kind)
    return (await tx.connection.execute(sa.select(secrets).where(has_key))).first()


async def any_row(tx: Transaction) -> Any:
    return (await tx.connection.execute(sa.select(secrets).limit(1))).first()


async def row_of_other_keys(tx: Transaction, key_ids: Sequence[bytes]) -> Any:
    """A row that none of these keys has encrypted, or None."""
    return (await tx.connection.execute(is_of_other_keys(key_ids).limit(1))).first()


async def names_of_other_keys(
    tx: Transaction, key_ids: Sequence[bytes], *, limit: int
) -> Sequence[tuple[str, str]]:
    """The owner ids and kinds of up to `limit` values that none of these keys has encrypted."""
    query = is_of_other_keys(key_ids).with_only_columns(secrets.c.owner_id, secrets.c.kind).limit(limit)
    return [(row.owner_id, row.kind) for row in await tx.connection.execute(query)]


def is_of_other_keys(key_ids: Sequence[bytes]) -> sa.Select[Any]:
    """The query for rows that none of these keys has encrypted."""
    return sa.select(secrets).where(_key_id.not_in(key_ids))


async def delete_of_other_keys(tx: Transaction, key_ids: Sequence[bytes]) -> int:
    """Delete the rows that none of these keys has encrypted. Returns their number."""
    return (await tx.connection.execute(secrets.delete().where(_key_id.not_in(key_ids)))).rowcount


async def count_by_key(tx: Transaction) -> dict[bytes, int]:
    """The number of values of each key, by key id."""
    query = sa.select(_key_id, sa.func.count()).select_from(secrets).group_by(_key_id)
    return {row[0]: row[1] for row in await tx.connection.execute(query)}


async def retired(tx: Transaction, kind: str, *, now: float) -> Sequence[Any]:
    """The keys that were derived from retired keys for a purpose, as long as they are valid."""
    is_valid = _is_retired() & (secrets.c.kind == kind) & (secrets.c.expires_at > now)
    return (await tx.connection.execute(sa.select(secrets).where(is_valid))).all()


async def forget_retired(tx: Transaction, *, now: float) -> None:
    await tx.connection.execute(secrets.delete().where(_is_retired() & (secrets.c.expires_at <= now)))


async def remove(tx: Transaction, owner_id: str, kind: str | None) -> None:
    is_removed = secrets.c.owner_id == owner_id
    if kind is not None:
        is_removed &= secrets.c.kind == kind
    await tx.connection.execute(secrets.delete().where(is_removed))


def _is_retired() -> sa.ColumnElement[bool]:
    return secrets.c.owner_id.startswith(RETIRED)
