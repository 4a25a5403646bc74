"""Since when connections have their status. Of those that were there it is at most the time of their last change."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("connections", sa.Column("since", sa.BigInteger))
    op.execute("UPDATE connections SET since = last_updated_time")
