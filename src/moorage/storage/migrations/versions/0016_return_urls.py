"""Where a person goes who has connected a connection."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("connections", sa.Column("return_url", sa.Text))
