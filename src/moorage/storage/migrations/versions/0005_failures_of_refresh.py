"""Why the last try to renew a connection's token failed: the accounts server's code, or a sentence."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("refresh_leases", sa.Column("failure", sa.Text))
