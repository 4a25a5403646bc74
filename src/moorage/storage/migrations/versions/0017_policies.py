"""Policies of keys, and what was spent of their budgets. Keys that are there may go on as before."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    policies = op.create_table(
        "key_policies",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("connection_id", sa.Text, primary_key=True),
        sa.Column("policy", sa.JSON, nullable=False),
        sa.Column("purse", sa.Text, nullable=False),
    )
    op.create_table(
        "policy_spending",
        sa.Column("purse", sa.Text, primary_key=True),
        sa.Column("counts", sa.Text, primary_key=True),
        sa.Column("per", sa.BigInteger, primary_key=True),
        sa.Column("span", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
    )
    keys = op.get_bind().execute(sa.text("SELECT id FROM api_keys")).scalars().all()
    rows = [{"key_id": key, "connection_id": "", "policy": {"mode": "open"}, "purse": key} for key in keys]
    if rows:
        op.bulk_insert(policies, rows)
