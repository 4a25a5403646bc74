"""The table of requests that came with an Idempotency-Key. Their answers are sealed by the vault."""

import msgspec
import sqlalchemy as sa

from moorage.storage import Transaction

requests = sa.Table(
    "idempotent_requests",
    sa.MetaData(),
    sa.Column("key_id", sa.Text, primary_key=True),
    # SHA-256 of the Idempotency-Key, and of the request.
    sa.Column("name", sa.LargeBinary, primary_key=True),
    sa.Column("request", sa.LargeBinary),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("is_done", sa.Boolean),
)

_MOST_AT_ONCE = 100


class Known(msgspec.Struct, frozen=True):
    request: bytes
    is_done: bool
    created_at: int


async def find(tx: Transaction, key_id: str, name: bytes) -> Known | None:
    row = (await tx.connection.execute(sa.select(requests).where(_is(key_id, name)))).first()
    return Known(row.request, row.is_done, row.created_at) if row else None


async def add(tx: Transaction, key_id: str, name: bytes, request: bytes) -> None:
    values = {"key_id": key_id, "name": name, "request": request, "created_at": tx.now, "is_done": False}
    await tx.connection.execute(requests.insert().values(values))


async def done(tx: Transaction, key_id: str, name: bytes) -> None:
    await tx.connection.execute(requests.update().where(_is(key_id, name)).values(is_done=True))


async def remove(tx: Transaction, key_id: str, name: bytes) -> None:
    await tx.connection.execute(requests.delete().where(_is(key_id, name)))


async def before(tx: Transaction, created: int, most: int) -> list[tuple[str, bytes]]:
    """The requests that came before this time."""
    query = sa.select(requests.c.key_id, requests.c.name).where(requests.c.created_at <= created).limit(most)
    return [(row.key_id, row.name) for row in await tx.connection.execute(query)]


async def beyond(tx: Transaction, key_id: str, most: int) -> list[bytes]:
    """The names of a key's requests but the newest ones, of which `most` stay."""
    newest = requests.c.created_at.desc(), requests.c.name
    query = sa.select(requests.c.name).where(requests.c.key_id == key_id).order_by(*newest).offset(most)
    return [row.name for row in await tx.connection.execute(query.limit(_MOST_AT_ONCE))]


def _is(key_id: str, name: bytes) -> sa.ColumnElement[bool]:
    return (requests.c.key_id == key_id) & (requests.c.name == name)
