"""Organisations that are on their way to another server."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "moves",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("organisation", sa.BigInteger, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
