"""What a link of a person is for: `password`, to choose one, or `entry`, to sign in once on this machine."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("person_links", sa.Column("kind", sa.Text, nullable=False, server_default="password"))
