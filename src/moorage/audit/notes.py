"""Writes an entry, in the transaction of the change that it tells of."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

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
    if who.name is not None:
        who = replace(who, name=plain_text(who.name))

    def append(connection: sa.Connection) -> None:
        account_id = account or who.account_id or ""
        number, previous = store.head(connection, account_id) or (0, FIRST)
        entry = Entry(
            account_id, number + 1, tx.now, who, plain_text(action), plain_text(subject), *shown, previous
        )
        store.append(connection, entry)

    await tx.connection.run(append)
