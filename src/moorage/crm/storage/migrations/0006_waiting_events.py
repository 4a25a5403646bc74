"""Organisations that may have events in their outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "waiting",
        sa.Column("organisation", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("raised", sa.BigInteger, nullable=False),
        sa.Column("cleared", sa.BigInteger, nullable=False),
    )
