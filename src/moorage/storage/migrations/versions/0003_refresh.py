"""Who renews which token, and how often that was done; and what a vault's key sealed is found by its id.

Times are seconds since the epoch.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "refresh_leases",
        _connection(),
        sa.Column("owner", sa.Text),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("held_until", sa.Float, nullable=False),
        sa.Column("written_fence", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.Float, nullable=False),
    )
    op.create_table(
        "refresh_mints",
        _connection(),
        sa.Column("fence", sa.Integer, primary_key=True),
        sa.Column("refresh_token", sa.LargeBinary, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
    )
    op.create_index("refresh_mints_by_token", "refresh_mints", ["refresh_token", "begun_at"])
    op.create_index("secrets_by_key", "secrets", [sa.text("substr(value, 1, 4)")])


def _connection() -> sa.Column[str]:
    return sa.Column(
        "connection_id", sa.Text, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True
    )
