"""The tables of accounts, API keys and their secrets."""

import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from moorage.keys.model import ApiKey, OldSecret
from moorage.keys.scopes import parse
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
    sa.Column("mode", sa.Text),
    sa.Column("scopes", sa.JSON),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)
# A key has one secret without an end. During a rotation it also has older secrets, which end soon.
secrets = sa.Table(
    "api_key_secrets",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("key_id", sa.Text),
    sa.Column("public_part", sa.Text),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("last_used_at", sa.BigInteger),  # Known of older secrets alone.
)
_keys = sa.select(api_keys, secrets.c.public_part, secrets.c.digest, secrets.c.ends_at).join(
    secrets, secrets.c.key_id == api_keys.c.id
)

_MOST_ENDING = 200

# The keys among these that belong to grants.
OfKeys: TypeAlias = Callable[[Transaction, Collection[str]], Awaitable[Collection[str]]]


async def account_named(tx: Transaction, name: str) -> str | None:
    row = (await tx.connection.execute(sa.select(accounts.c.id).where(accounts.c.name == name))).first()
    return row.id if row else None


async def add_account(tx: Transaction, account_id: str, name: str) -> None:
    await tx.connection.execute(accounts.insert().values(id=account_id, name=name, created_at=tx.now))


async def add_key(tx: Transaction, key: ApiKey) -> None:
    values = {
        "id": key.id,
        "account_id": key.account_id,
        "name": key.name,
        "mode": key.mode,
        # Also for a key with all scopes, so that it does not get the new scopes of later versions.
        "scopes": key.scopes.texts(),
        "created_at": _microseconds(key.created_at),
        "expires_at": key.expires_at and _microseconds(key.expires_at),
    }
    await tx.connection.execute(api_keys.insert().values(values))


async def add_secret(tx: Transaction, key_id: str, digest: bytes, public_part: str | None) -> None:
    values = {"digest": digest, "key_id": key_id, "public_part": public_part}
    await tx.connection.execute(secrets.insert().values(values))


async def end_secrets(tx: Transaction, key_id: str, at: int, last_used_at: datetime | None) -> None:
    """Let the secrets of a key end at this time, if they don't end sooner. Deletes those that have ended.

    `last_used_at` is when the key was last used, and so its present secret.
    """
    of_key = secrets.c.key_id == key_id
    present, used = of_key & secrets.c.ends_at.is_(None), last_used_at and _microseconds(last_used_at)
    await tx.connection.execute(secrets.update().where(present).values(last_used_at=used))
    later = secrets.c.ends_at.is_(None) | (secrets.c.ends_at > at)
    await tx.connection.execute(secrets.update().where(of_key & later).values(ends_at=at))
    await tx.connection.execute(secrets.delete().where(of_key & (secrets.c.ends_at <= tx.now)))


async def key_of_secret(
    tx: Transaction, digest: bytes, public_part: str | None
) -> tuple[ApiKey, datetime | None] | None:
    """The key of a secret, and the time at which the secret ends; None if there is no such secret."""
    matches = secrets.c.digest == digest if public_part is None else secrets.c.public_part == public_part
    row = (await tx.connection.execute(_keys.where(matches))).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return _key(row), time_of(row.ends_at)


async def old_secrets(tx: Transaction, key_id: str) -> list[OldSecret]:
    """The older secrets of a key that still work, the first to end first."""
    is_old = (secrets.c.key_id == key_id) & (secrets.c.ends_at > tx.now)
    rows = await tx.connection.execute(sa.select(secrets).where(is_old).order_by(secrets.c.ends_at))
    return [
        OldSecret(row.public_part, _time(row.ends_at), time_of(row.last_used_at), row.digest) for row in rows
    ]


async def note_uses_of_old(tx: Transaction, uses: Mapping[bytes, int]) -> None:
    """Note the last uses of older secrets, by their digests."""
    is_it = secrets.c.digest == sa.bindparam("secret")
    rows = [{"secret": digest, "used": used} for digest, used in uses.items()]
    await tx.connection.execute(secrets.update().where(is_it).values(last_used_at=sa.bindparam("used")), rows)


async def key_of_id(tx: Transaction, account_id: str, key_id: str) -> ApiKey | None:
    has_id = (api_keys.c.account_id == account_id) & (api_keys.c.id == key_id)
    row = (await tx.connection.execute(_keys.where(has_id, secrets.c.ends_at.is_(None)))).first()
    return _key(row) if row else None


async def all_keys(tx: Transaction, account_id: str) -> list[ApiKey]:
    query = _keys.where(api_keys.c.account_id == account_id, secrets.c.ends_at.is_(None))
    rows = await tx.connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.id))
    return [_key(row) for row in rows]


async def next_end(tx: Transaction, of_keys: OfKeys) -> dict[tuple[str, ...], float]:
    """When the next key ends, of all accounts, in seconds since the epoch; nothing if none does.

    Those of grants don't count, of which `of_keys` says that they are some: their programs ask for new ones.
    """
    is_ending = (api_keys.c.expires_at > tx.now) & api_keys.c.revoked_at.is_(None)
    query = sa.select(api_keys.c.id, api_keys.c.expires_at).where(is_ending).order_by(api_keys.c.expires_at)
    ends = {row.id: row.expires_at for row in await tx.connection.execute(query.limit(_MOST_ENDING))}
    of_grants = await of_keys(tx, list(ends))
    first = next((end for key, end in ends.items() if key not in of_grants), None)
    return {} if first is None else {(): first / 1_000_000}


async def revoke(tx: Transaction, key_id: str) -> None:
    unrevoked = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
    await tx.connection.execute(api_keys.update().where(unrevoked).values(revoked_at=tx.now))


async def note_uses(tx: Transaction, uses: Mapping[str, int]) -> None:
    """Note the last uses of keys, in microseconds since the epoch. A later use that is noted already stays.

    A noted use in the future is replaced, because it was noted before the clock was put back.
    """
    last = api_keys.c.last_used_at
    later = last.is_(None) | (last < sa.bindparam("used")) | (last > tx.now)
    statement = api_keys.update().where((api_keys.c.id == sa.bindparam("key")) & later)
    rows = [{"key": key_id, "used": used} for key_id, used in uses.items()]
    await tx.connection.execute(statement.values(last_used_at=sa.bindparam("used")), rows)


async def names(tx: Transaction, limit: int) -> frozenset[bytes] | None:
    """The names of all secrets (see `name_of`); None if there are more than `limit`."""
    rows = (
        await tx.connection.execute(sa.select(secrets.c.public_part, secrets.c.digest).limit(limit + 1))
    ).all()
    if len(rows) > limit:
        return None
    return frozenset(name_of(row.digest, row.public_part) for row in rows)


def name_of(digest: bytes, public_part: str | None) -> bytes:
    """The name by which a secret is found: its public part, or its digest if it has no public part."""
    return digest if public_part is None else public_part.encode()


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        mode=row.mode,
        scopes=parse(row.scopes),
        prefix=row.public_part,
        created_at=_time(row.created_at),
        expires_at=time_of(row.expires_at),
        last_used_at=time_of(row.last_used_at),
        revoked_at=time_of(row.revoked_at),
    )


def time_of(microseconds: int | None) -> datetime | None:
    """The time of a number of microseconds since the epoch."""
    return None if microseconds is None else _time(microseconds)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
