"""Writes an entry, in the transaction of the change that it tells of."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from moorage.acting import actor
from moorage.audit import store
from moorage.audit.canonical import plain, plain_text
from moorage.audit.model import FIRST, Entry
from moorage.storage import Transaction


async def note(
    tx: Transaction,
    action: str,
    subject: str,
    *,
    account: str | None = None,
    before: Any = None,
    after: Any = None,
) -> None:
    """Add an entry to the account's chain. `account` is that of the actor, if the change belongs to no other one.

    `before` and `after` are JSON, such as the document that the API shows: of a small change only the members that
    differ. They are bounded, and never hold a secret.
    """
    who, shown = actor(), (plain(before), plain(after))
    # A name is what somebody has written, and an address may be what a client has sent.
    who = replace(
        who, name=who.name and plain_text(who.name), address=who.address and plain_text(who.address)
    )

    def append(connection: sa.Connection) -> None:
        account_id = account or who.account_id or ""
        number, previous = store.head(connection, account_id) or (0, FIRST)
        entry = Entry(
            account_id, number + 1, tx.now, who, plain_text(action), plain_text(subject), *shown, previous
        )
        store.append(connection, entry)

    await tx.connection.run(append)


async def note_change(
    tx: Transaction,
    action: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    account: str | None = None,
) -> None:
    """Note the members that differ; nothing if none does."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if names:
        was, now = ({name: document.get(name) for name in names} for document in (before, after))
        await note(tx, action, subject, account=account, before=was, after=now)
