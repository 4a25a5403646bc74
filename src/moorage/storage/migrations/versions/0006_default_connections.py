"""The connection that an account has chosen for calls of an app that name none; who asked for a connection.

A choice outlives its connection, so that such calls are refused until somebody chooses again. `embedded` says that a
connection may be led to the embedded CRM whatever else its page would offer.

Keys that could do everything keep what they could do when they were made: NULL among the scopes meant all that there
would ever be.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

EVERYTHING = ["connections:read", "connections:write", "keys:read", "keys:write", "proxy"]


def upgrade() -> None:
    op.create_table(
        "default_connections",
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("app", sa.Text, primary_key=True),
        sa.Column("connection_id", sa.Text, nullable=False),
    )
    op.add_column("connections", sa.Column("asked_by", sa.Text))
    op.add_column("connections", sa.Column("embedded", sa.Boolean))
    keys = sa.table("api_keys", sa.column("scopes", sa.JSON))
    op.execute(keys.update().where(keys.c.scopes.is_(None)).values(scopes=EVERYTHING))
