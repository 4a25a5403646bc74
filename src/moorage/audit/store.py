"""The tables of the audit. No statement changes or removes an entry, and triggers refuse one that would."""

import json
from typing import Any

import sqlalchemy as sa

from moorage.acting import Actor
from moorage.audit.canonical import canonical
from moorage.audit.model import Entry, document_of
from moorage.storage.upsert import upsert

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
# The number and the hash of each account's last entry.
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
    connection.execute(upsert(heads, {"account_id": entry.account_id}, moved))


def entry_of(row: Any) -> Entry:
    who = Actor(row.actor_kind, row.actor_id, row.actor_name, None, row.address, row.request_id)
    return Entry(
        row.account_id,
        row.number,
        row.at,
        who,
        row.action,
        row.subject,
        _read(row.before),
        _read(row.after),
        row.previous,
    )


def _stored(value: Any) -> str | None:
    return None if value is None else canonical(value)


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
