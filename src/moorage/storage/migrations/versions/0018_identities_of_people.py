"""The identities of people at an OpenID Connect issuer."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("people", sa.Column("issuer", sa.Text))
    op.add_column("people", sa.Column("subject", sa.Text))
    op.create_index("people_by_identity", "people", ["issuer", "subject"], unique=True)
