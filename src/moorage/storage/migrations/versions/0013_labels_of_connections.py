"""Aliases, tags and end users of connections. An alias names one connection of an app for an account."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for name in ("alias", "tags", "end_user"):
        op.add_column("connections", sa.Column(name, sa.Text))
    op.create_index("connections_by_alias", "connections", ["account_id", "app", "alias"], unique=True)
