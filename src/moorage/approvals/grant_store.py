"""The table of what people have allowed for an hour."""

from typing import Any

import sqlalchemy as sa

from moorage.approvals.model import Asked, Grant
from moorage.storage import Transaction

grants = sa.Table(
    "approval_grants",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("key_id", sa.Text),
    sa.Column("key_name", sa.Text),
    sa.Column("connection_id", sa.Text),
    sa.Column("connection_name", sa.Text),
    sa.Column("operation", sa.Text),
    sa.Column("module", sa.Text),
    sa.Column("approval_id", sa.Text),
    sa.Column("given_by", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("ends_at", sa.BigInteger),
)


async def add(tx: Transaction, grant: Grant) -> None:
    values = {
        "id": grant.id,
        "account_id": grant.account_id,
        "key_id": grant.key_id,
        "key_name": grant.key_name,
        "connection_id": grant.connection_id,
        "connection_name": grant.connection_name,
        "operation": grant.operation,
        "module": grant.module,
        "approval_id": grant.approval_id,
        "given_by": grant.given_by,
        "created_at": grant.created,
        "ends_at": grant.ends,
    }
    await tx.connection.execute(grants.insert().values(values))


async def covering(tx: Transaction, asked: Asked) -> Grant | None:
    """The leave that covers a call: of the same key, connection, operation and module."""
    if not asked.is_of_a_kind:
        return None
    is_same = (
        (grants.c.account_id == asked.account_id)
        & (grants.c.key_id == asked.key_id)
        & (grants.c.connection_id == asked.connection_id)
        & (grants.c.operation == asked.operation)
        & (grants.c.module == asked.module)
    )
    row = (await tx.connection.execute(sa.select(grants).where(is_same & _lasts(tx)).limit(1))).first()
    return _grant(row) if row else None


async def of_account(tx: Transaction, account_id: str, key_id: str | None = None) -> list[Grant]:
    """The grants that have not ended, the newest first; with a key, those of that key."""
    is_shown = (grants.c.account_id == account_id) & _lasts(tx)
    if key_id is not None:
        is_shown &= grants.c.key_id == key_id
    rows = await tx.connection.execute(sa.select(grants).where(is_shown).order_by(grants.c.created_at.desc()))
    return [_grant(row) for row in rows]


async def find(tx: Transaction, account_id: str, grant_id: str) -> Grant | None:
    is_it = (grants.c.id == grant_id) & (grants.c.account_id == account_id)
    row = (await tx.connection.execute(sa.select(grants).where(is_it & _lasts(tx)))).first()
    return _grant(row) if row else None


async def end(tx: Transaction, grant_id: str) -> bool:
    """End a grant now. Returns False if it had ended."""
    is_open = (grants.c.id == grant_id) & _lasts(tx)
    return (await tx.connection.execute(grants.update().where(is_open).values(ends_at=tx.now))).rowcount == 1


async def remove_ended(tx: Transaction) -> None:
    await tx.connection.execute(grants.delete().where(grants.c.ends_at <= tx.now))


def _lasts(tx: Transaction) -> sa.ColumnElement[bool]:
    return grants.c.ends_at > tx.now


def _grant(row: Any) -> Grant:
    return Grant(
        id=row.id,
        account_id=row.account_id,
        key_id=row.key_id,
        key_name=row.key_name,
        connection_id=row.connection_id,
        connection_name=row.connection_name,
        operation=row.operation,
        module=row.module,
        approval_id=row.approval_id,
        given_by=row.given_by,
        created=row.created_at,
        ends=row.ends_at,
    )
