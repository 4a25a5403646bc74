"""The tables of programs, grants, authorization codes and tokens."""

import hmac
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from moorage.grants.model import Client, Code, Grant, Token, grant_document
from moorage.storage import Transaction

_metadata = sa.MetaData()
# Programs that have registered themselves. `used_at` is when a person last let the program act, or it got new tokens.
clients = sa.Table(
    "grant_clients",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("redirect_uris", sa.JSON),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("used_at", sa.BigInteger),
)
grants = sa.Table(
    "grants",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("key_id", sa.Text),
    sa.Column("person_id", sa.Text),
    sa.Column("client_id", sa.Text),
    sa.Column("client_name", sa.Text),
    sa.Column("resource", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
)
codes = sa.Table(
    "grant_codes",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("grant_id", sa.Text),
    sa.Column("redirect_uri", sa.Text),
    sa.Column("challenge", sa.Text),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("used_at", sa.BigInteger),
)
tokens = sa.Table(
    "grant_tokens",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("grant_id", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("replaced_at", sa.BigInteger),
    sa.Column("successor", sa.LargeBinary),
    sa.Column("nonce", sa.LargeBinary),
)


async def add_client(tx: Transaction, client: Client) -> None:
    values = {"id": client.id, "name": client.name, "redirect_uris": list(client.redirect_uris)}
    await tx.connection.execute(clients.insert().values(**values, created_at=tx.now))


async def client(tx: Transaction, client_id: str) -> Client | None:
    row = (await tx.connection.execute(sa.select(clients).where(clients.c.id == client_id))).first()
    return None if row is None else Client(row.id, row.name, tuple(row.redirect_uris), is_registered=True)


async def note_client_used(tx: Transaction, client_id: str) -> None:
    await tx.connection.execute(clients.update().where(clients.c.id == client_id).values(used_at=tx.now))


async def prune_clients(tx: Transaction, *, unused_since: int, used_before: int, most: int) -> None:
    """Remove programs that nobody let act since they came, or for long, and the oldest unused ones beyond `most`.

    One with a grant that has not ended stays.
    """
    has_grant = sa.exists().where((grants.c.client_id == clients.c.id) & grants.c.ended_at.is_(None))
    is_unused = clients.c.used_at.is_(None)
    is_old = (is_unused & (clients.c.created_at < unused_since)) | (clients.c.used_at < used_before)
    await tx.connection.execute(clients.delete().where(is_old & ~has_grant))
    newest = sa.select(clients.c.id).where(is_unused).order_by(clients.c.created_at.desc()).limit(most)
    await tx.connection.execute(clients.delete().where(is_unused & clients.c.id.not_in(newest)))


async def add_grant(tx: Transaction, grant: Grant) -> None:
    values = {column.name: getattr(grant, column.name) for column in grants.c}
    await tx.connection.execute(grants.insert().values(values))


async def grant(tx: Transaction, grant_id: str) -> Grant | None:
    row = (await tx.connection.execute(sa.select(grants).where(grants.c.id == grant_id))).first()
    return _grant(row) if row else None


async def of_account(tx: Transaction, account_id: str) -> list[Grant]:
    """The grants that have not ended, the newest first."""
    lasts = (grants.c.account_id == account_id) & grants.c.ended_at.is_(None)
    rows = await tx.connection.execute(sa.select(grants).where(lasts).order_by(grants.c.created_at.desc()))
    return [_grant(row) for row in rows]


async def of_keys(tx: Transaction, key_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """Of the keys with these ids, those that belong to grants, each with the document of its grant."""
    rows = await tx.connection.execute(sa.select(grants).where(grants.c.key_id.in_(key_ids)))
    return {row.key_id: grant_document(_grant(row)) for row in rows}


async def unusable(tx: Transaction) -> list[Grant]:
    """The grants that have not ended, and of which nobody has a code or a token that still counts."""
    has_code = sa.exists().where(
        (codes.c.grant_id == grants.c.id) & (codes.c.ends_at > tx.now) & codes.c.used_at.is_(None)
    )
    has_token = sa.exists().where((tokens.c.grant_id == grants.c.id) & (tokens.c.ends_at > tx.now))
    query = sa.select(grants).where(grants.c.ended_at.is_(None) & ~has_code & ~has_token)
    return [_grant(row) for row in await tx.connection.execute(query)]


async def end_grant(tx: Transaction, grant_id: str) -> None:
    """End a grant. Its codes and tokens go."""
    await tx.connection.execute(grants.update().where(grants.c.id == grant_id).values(ended_at=tx.now))
    for table in (codes, tokens):
        await tx.connection.execute(table.delete().where(table.c.grant_id == grant_id))


async def add_code(tx: Transaction, digest: bytes, code: Code) -> None:
    values = {column.name: getattr(code, column.name) for column in codes.c if column.name != "digest"}
    await tx.connection.execute(codes.insert().values(digest=digest, **values))


async def code(tx: Transaction, digest: bytes) -> Code | None:
    row = (await tx.connection.execute(sa.select(codes).where(codes.c.digest == digest))).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return Code(row.grant_id, row.redirect_uri, row.challenge, row.ends_at, row.used_at)


async def use_code(tx: Transaction, digest: bytes) -> None:
    await tx.connection.execute(codes.update().where(codes.c.digest == digest).values(used_at=tx.now))


async def add_token(tx: Transaction, digest: bytes, token: Token) -> None:
    values = {"grant_id": token.grant_id, "kind": token.kind, "ends_at": token.ends_at}
    await tx.connection.execute(tokens.insert().values(digest=digest, **values))


async def token(tx: Transaction, digest: bytes) -> Token | None:
    row = (await tx.connection.execute(sa.select(tokens).where(tokens.c.digest == digest))).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return Token(row.grant_id, row.kind, row.ends_at, row.replaced_at, row.successor, row.nonce)


async def replace_token(tx: Transaction, digest: bytes, successor: bytes, nonce: bytes) -> None:
    """Note that a refresh token was used. The nonce of the one before it goes, as this one has arrived."""
    is_before = tokens.c.successor == digest
    await tx.connection.execute(tokens.update().where(is_before).values(nonce=None))
    values = {"replaced_at": tx.now, "successor": successor, "nonce": nonce}
    await tx.connection.execute(tokens.update().where(tokens.c.digest == digest).values(values))


async def remove_token(tx: Transaction, digest: bytes) -> None:
    await tx.connection.execute(tokens.delete().where(tokens.c.digest == digest))


async def keep_newest(tx: Transaction, grant_id: str, kind: str, most: int) -> None:
    """Remove a grant's tokens of a kind, but those that end last."""
    is_one = (tokens.c.grant_id == grant_id) & (tokens.c.kind == kind)
    newest = sa.select(tokens.c.digest).where(is_one).order_by(tokens.c.ends_at.desc()).limit(most)
    await tx.connection.execute(tokens.delete().where(is_one & tokens.c.digest.not_in(newest)))


async def remove_ended(tx: Transaction, *, codes_before: int, nonces_before: int) -> None:
    """Remove the tokens that have ended, the codes that ended before this time, and nonces of before that one."""
    is_late = tokens.c.replaced_at < nonces_before
    await tx.connection.execute(tokens.update().where(is_late).values(nonce=None))
    await tx.connection.execute(tokens.delete().where(tokens.c.ends_at <= tx.now))
    await tx.connection.execute(codes.delete().where(codes.c.ends_at <= codes_before))


def _grant(row: Any) -> Grant:
    return Grant(**{column.name: getattr(row, column.name) for column in grants.c})
