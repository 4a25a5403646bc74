"""When the older secrets of a key were last used, in microseconds since the epoch."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("api_key_secrets", sa.Column("last_used_at", sa.BigInteger))
