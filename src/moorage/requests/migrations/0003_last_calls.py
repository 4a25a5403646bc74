"""When each connection was called last."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "last_calls",
        sa.Column("connection_id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("environment", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
