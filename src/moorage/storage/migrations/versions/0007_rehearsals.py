"""Where another Moorage plays an app, for the client that it knows this one by."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("oauth_clients", sa.Column("base_url", sa.Text))
