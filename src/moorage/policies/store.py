"""The tables of policies, and of what was spent of their budgets."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from moorage.storage import Transaction
from moorage.storage.upsert import upsert

_metadata = sa.MetaData()
# The policy for all connections of a key that have none of their own has an empty text as its connection.
key_policies = sa.Table(
    "key_policies",
    _metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("connection_id", sa.Text, primary_key=True),
    sa.Column("policy", sa.JSON),
    sa.Column("purse", sa.Text),
)
# Time is divided into spans of `per` seconds; `span` is the number of the last in which something was spent.
spending = sa.Table(
    "policy_spending",
    _metadata,
    sa.Column("purse", sa.Text, primary_key=True),
    sa.Column("counts", sa.Text, primary_key=True),
    sa.Column("per", sa.BigInteger, primary_key=True),
    sa.Column("span", sa.BigInteger),
    sa.Column("spent", sa.BigInteger),
)


async def of_key(tx: Transaction, key_id: str) -> dict[str, tuple[Any, str]]:
    """The policies of a key as documents, and their purses, by connection."""
    rows = await tx.connection.execute(sa.select(key_policies).where(key_policies.c.key_id == key_id))
    return {row.connection_id: (row.policy, row.purse) for row in rows}


async def of_keys(tx: Transaction, key_ids: Collection[str], connection_id: str) -> dict[str, Any]:
    """The documents of these keys for one connection, by key."""
    theirs = key_policies.c.key_id.in_(key_ids) & (key_policies.c.connection_id == connection_id)
    rows = await tx.connection.execute(sa.select(key_policies).where(theirs))
    return {row.key_id: row.policy for row in rows}


async def put(
    tx: Transaction, key_id: str, connection_id: str, document: Mapping[str, Any], purse: str
) -> None:
    key = {"key_id": key_id, "connection_id": connection_id}
    await tx.connection.execute(upsert(key_policies, key, {"policy": document, "purse": purse}))


async def delete(tx: Transaction, key_id: str, connection_id: str) -> None:
    is_it = (key_policies.c.key_id == key_id) & (key_policies.c.connection_id == connection_id)
    await tx.connection.execute(key_policies.delete().where(is_it))


async def with_keys(tx: Transaction, key_ids: Collection[str]) -> list[tuple[str, str, Any, str]]:
    """Of these keys: the key, its connection, its policy as a document, and the purse of its budgets."""
    rows = await tx.connection.execute(
        sa.select(key_policies)
        .where(key_policies.c.key_id.in_(key_ids))
        .order_by(key_policies.c.key_id, key_policies.c.connection_id)
    )
    return [(row.key_id, row.connection_id, row.policy, row.purse) for row in rows]


async def spent(tx: Transaction, purses: Collection[str]) -> dict[tuple[str, str, int], tuple[int, int]]:
    """The span and what was spent in it, by purse, what is counted, and length of the spans."""
    rows = await tx.connection.execute(sa.select(spending).where(spending.c.purse.in_(purses)))
    return {(row.purse, row.counts, row.per): (row.span, row.spent) for row in rows}


async def note_spent(tx: Transaction, line: tuple[str, str, int], span: int, amount: int) -> None:
    key = dict(zip(("purse", "counts", "per"), line, strict=True))
    await tx.connection.execute(upsert(spending, key, {"span": span, "spent": amount}))
