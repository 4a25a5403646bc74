"""Requests with an Idempotency-Key: those of the control API, and held calls."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "idempotent_requests",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("name", sa.LargeBinary, primary_key=True),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("is_done", sa.Boolean, nullable=False),
    )
    op.create_index("idempotent_requests_by_time", "idempotent_requests", ["created_at"])
    op.add_column("approvals", sa.Column("idempotency", sa.LargeBinary))
    op.create_index("approvals_by_idempotency", "approvals", ["key_id", "idempotency"])
