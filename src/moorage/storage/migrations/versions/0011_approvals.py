"""Calls that wait for a person, and what people have allowed for an hour.

The bytes of a call, its diff and its answer lie among the sealed secrets.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("connection_id", sa.Text, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("decided_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("sender", sa.Text),
        sa.Column("sending_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("answer_status", sa.Integer),
        sa.Column("answer_until", sa.BigInteger),
        sa.Column("delivered_at", sa.BigInteger),
    )
    op.create_index("approvals_by_account", "approvals", ["account_id", "created_at"])
    op.create_index("approvals_by_key", "approvals", ["key_id", "digest"])
    op.create_index("approvals_by_state", "approvals", ["state", "deadline"])
    op.create_table(
        "approval_grants",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("key_name", sa.Text, nullable=False),
        sa.Column("connection_id", sa.Text, nullable=False),
        sa.Column("connection_name", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False),
        sa.Column("approval_id", sa.Text, nullable=False),
        sa.Column("given_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
    )
    op.create_index("approval_grants_by_account", "approval_grants", ["account_id", "ends_at"])
