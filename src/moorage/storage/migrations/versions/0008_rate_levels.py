"""Rate limits that hold for all processes together: the tokens that each account has left."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "rate_levels",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("level", sa.Double, nullable=False),
        sa.Column("counted_at", sa.BigInteger, nullable=False),
    )
