"""The tables of the audit. No statement changes or removes an entry, and triggers refuse one that would."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from moorage.acting import Actor
from moorage.audit.canonical import canonical
from moorage.audit.model import Entry, document_of
from moorage.storage import Transaction


class Filter(msgspec.Struct, frozen=True):
    """What entries are asked for. None means all.

    `actor` is an actor's id, name or kind. `action` is an action, or the word before its dot. Times are in microseconds
    since the epoch; `until` is not among them.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: int | None = None
    until: int | None = None


_metadata = sa.MetaData()
entries = sa.Table(
    "audit_entries",
    _metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.BigInteger),
    sa.Column("actor_kind", sa.Text),
    sa.Column("actor_id", sa.Text),
    sa.Column("actor_name", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("action", sa.Text),
    sa.Column("subject", sa.Text),
    # Texts, because the hash is that of these characters.
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("previous", sa.Text),
    sa.Column("hash", sa.Text),
)
# The number and the hash of each account's last entry, which the next one moves on.
heads = sa.Table(
    "audit_heads",
    _metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger),
    sa.Column("hash", sa.Text),
)


def head(connection: sa.Connection, account_id: str) -> tuple[int, str] | None:
    """The number and the hash of the account's last entry. Nobody else can add an entry until the transaction ends."""
    query = sa.select(heads.c.number, heads.c.hash).where(heads.c.account_id == account_id)
    row = connection.execute(query.with_for_update()).first()
    return None if row is None else (row.number, row.hash)


def append(connection: sa.Connection, entry: Entry) -> None:
    """Add an entry whose number and `previous` follow the account's head."""
    who, document = entry.actor, document_of(entry)
    values = {
        "account_id": entry.account_id,
        "number": entry.number,
        "at": entry.at,
        "actor_kind": who.kind,
        "actor_id": who.id,
        "actor_name": who.name,
        "address": who.address,
        "request_id": who.request_id,
        "action": entry.action,
        "subject": entry.subject,
        "before": _stored(entry.before),
        "after": _stored(entry.after),
        "previous": entry.previous,
        "hash": document["hash"],
    }
    connection.execute(entries.insert().values(values))
    moved = {"number": entry.number, "hash": document["hash"]}
    if entry.number == 1:
        connection.execute(heads.insert().values(account_id=entry.account_id, **moved))
    else:
        connection.execute(heads.update().where(heads.c.account_id == entry.account_id).values(moved))


async def search(
    tx: Transaction, asked: Filter, account_id: str, *, limit: int, cursor: int | None, oldest_first: bool
) -> list[dict[str, Any]]:
    """The documents of an account's entries that match, from the number `cursor` on."""
    number = entries.c.number
    query = sa.select(entries).where(entries.c.account_id == account_id, *_matches(asked))
    if cursor is not None:
        query = query.where(number >= cursor if oldest_first else number <= cursor)
    query = query.order_by(number if oldest_first else number.desc()).limit(limit)
    return [_document(row) for row in await tx.connection.execute(query)]


async def newest(tx: Transaction, asked: Filter, limit: int) -> list[dict[str, Any]]:
    """The documents of the newest entries of all accounts that match."""
    order = entries.c.at.desc(), entries.c.account_id, entries.c.number.desc()
    query = sa.select(entries).where(*_matches(asked)).order_by(*order).limit(limit)
    return [_document(row) for row in await tx.connection.execute(query)]


async def accounts(tx: Transaction) -> list[str]:
    """The ids of the accounts that have entries."""
    query = sa.select(entries.c.account_id).distinct().order_by(entries.c.account_id)
    return [row.account_id for row in await tx.connection.execute(query)]


async def head_of(tx: Transaction, account_id: str) -> tuple[int, str] | None:
    """As `head`, for who only reads."""
    query = sa.select(heads.c.number, heads.c.hash).where(heads.c.account_id == account_id)
    row = (await tx.connection.execute(query)).first()
    return None if row is None else (row.number, row.hash)


async def heads_of(tx: Transaction) -> dict[str, tuple[int, str]]:
    """The number and the hash of each account's last entry, as they were noted with it."""
    return {row.account_id: (row.number, row.hash) for row in await tx.connection.execute(sa.select(heads))}


def _matches(asked: Filter) -> Iterator[sa.ColumnElement[bool]]:
    columns = entries.c
    if asked.actor is not None:
        who = columns.actor_id, columns.actor_name, columns.actor_kind
        yield sa.or_(*(column == asked.actor for column in who))
    if asked.action is not None:
        yield (columns.action == asked.action) | columns.action.startswith(
            f"{asked.action}.", autoescape=True
        )
    if asked.subject is not None:
        yield columns.subject == asked.subject
    if asked.since is not None:
        yield columns.at >= asked.since
    if asked.until is not None:
        yield columns.at < asked.until


def _document(row: Any) -> dict[str, Any]:
    """The document of an entry, with the hash that it was stored with."""
    try:
        return document_of(_entry(row)) | {"hash": row.hash}
    except (TypeError, ValueError, OverflowError):  # Somebody else has written into the row.
        return {"account": row.account_id, "number": row.number, "hash": row.hash, "unreadable": True}


def _entry(row: Any) -> Entry:
    who = Actor(row.actor_kind, row.actor_id, row.actor_name, None, row.address, row.request_id)
    before, after = (None if text is None else json.loads(text) for text in (row.before, row.after))
    return Entry(
        row.account_id, row.number, row.at, who, row.action, row.subject, before, after, row.previous
    )


def _stored(value: Any) -> str | None:
    return None if value is None else canonical(value)
