"""The tables of accounts and API keys."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from moorage.keys.model import ApiKey
from moorage.storage import Transaction

_metadata = sa.MetaData()
accounts = sa.Table(
    "accounts",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("created_at", sa.BigInteger),
)
api_keys = sa.Table(
    "api_keys",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)


async def account_named(tx: Transaction, name: str) -> str | None:
    row = (await tx.connection.execute(sa.select(accounts.c.id).where(accounts.c.name == name))).first()
    return row.id if row else None


async def add_account(tx: Transaction, account_id: str, name: str) -> None:
    await tx.connection.execute(accounts.insert().values(id=account_id, name=name, created_at=tx.now))


async def add_key(tx: Transaction, key_id: str, account_id: str, name: str, digest: bytes) -> None:
    values = {"id": key_id, "account_id": account_id, "name": name, "digest": digest, "created_at": tx.now}
    await tx.connection.execute(api_keys.insert().values(values))


async def key_of_digest(tx: Transaction, digest: bytes) -> ApiKey | None:
    return await _first(tx, api_keys.c.digest == digest)


async def key_of_id(tx: Transaction, key_id: str) -> ApiKey | None:
    return await _first(tx, api_keys.c.id == key_id)


async def all_keys(tx: Transaction, account_id: str) -> list[ApiKey]:
    chosen = sa.select(api_keys).where(api_keys.c.account_id == account_id)
    rows = await tx.connection.execute(chosen.order_by(api_keys.c.created_at, api_keys.c.id))
    return [_key(row) for row in rows]


async def revoke(tx: Transaction, key_id: str) -> None:
    unrevoked = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
    await tx.connection.execute(api_keys.update().where(unrevoked).values(revoked_at=tx.now))


async def touch(tx: Transaction, key_id: str) -> None:
    """Note that a key was used now."""
    await tx.connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(last_used_at=tx.now))


async def _first(tx: Transaction, condition: Any) -> ApiKey | None:
    row = (await tx.connection.execute(sa.select(api_keys).where(condition))).first()
    return _key(row) if row else None


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        created_at=_time(row.created_at),
        last_used_at=_time(row.last_used_at) if row.last_used_at else None,
        revoked_at=_time(row.revoked_at) if row.revoked_at else None,
    )


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
