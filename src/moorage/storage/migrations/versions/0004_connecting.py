"""The operator's OAuth clients, and who is being sent to an accounts server just now.

Times are seconds since the epoch. A client's secret lies among the sealed ones; `data_centre` is empty for a client
that serves them all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("data_centre", sa.Text, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
    )
    op.create_table(
        "connect_attempts",
        sa.Column("state", sa.LargeBinary, primary_key=True),
        sa.Column(
            "connection_id", sa.Text, sa.ForeignKey("connections.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("browser", sa.LargeBinary, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float),
        sa.Column("outcome", sa.Text),
    )
    op.create_index("connect_attempts_by_connection", "connect_attempts", ["connection_id", "begun_at"])
    op.create_index("connect_attempts_by_time", "connect_attempts", ["begun_at"])
