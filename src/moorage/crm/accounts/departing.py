"""An organisation's clients, codes, tokens, passwords and sessions go to another database with it."""

import sqlalchemy as sa

from moorage.crm.accounts.tables import (
    access_tokens,
    clients,
    codes,
    passwords,
    redirect_uris,
    refresh_tokens,
    registrations,
    sessions,
    spent_codes,
)
from moorage.storage.database import Transaction

PART = 1_000  # Rows.


async def copy_accounts(source: Transaction, target: Transaction, organisation: int) -> None:
    """Copy all of an organisation that the target's registry has already."""
    own_clients = sa.select(clients.c.id).where(clients.c.organisation == organisation)
    own_tokens = sa.select(refresh_tokens.c.digest).where(refresh_tokens.c.organisation == organisation)
    # In this order each row comes after what it points to.
    wanted: list[tuple[sa.Table, sa.ColumnElement[bool]]] = [
        (clients, clients.c.organisation == organisation),
        (registrations, registrations.c.client.in_(own_clients)),
        (redirect_uris, redirect_uris.c.client.in_(own_clients)),
        (codes, codes.c.organisation == organisation),
        (spent_codes, spent_codes.c.client.in_(own_clients)),
        (refresh_tokens, refresh_tokens.c.organisation == organisation),
        (access_tokens, access_tokens.c.refresh_digest.in_(own_tokens)),
        (passwords, passwords.c.organisation == organisation),
        (sessions, sessions.c.organisation == organisation),
    ]
    for table, condition in wanted:
        result = await source.connection.execute(sa.select(table).where(condition))
        rows = [dict(zip(table.c.keys(), row, strict=True)) for row in result]
        for start in range(0, len(rows), PART):
            await target.connection.execute(table.insert(), rows[start : start + PART])
