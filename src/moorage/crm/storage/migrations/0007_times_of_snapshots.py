"""When snapshots were made. Those from before have no time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("snapshots", sa.Column("saved_at", sa.BigInteger))
