"""Where an organisation is stored: on which server, and what is unfinished there.

In PostgreSQL, an organisation's schema goes by its id, which `unfinished` did not have.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("organisations", sa.Column("server", sa.Text))
    before = sa.table("unfinished", sa.column("slug", sa.Text))
    connection = op.get_bind()
    slugs = [row.slug for row in connection.execute(sa.select(before))]
    op.drop_table("unfinished")
    after = op.create_table(
        "unfinished",
        sa.Column("slug", sa.Text, primary_key=True),
        sa.Column("identity", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("server", sa.Text, primary_key=True),
    )
    if slugs:
        connection.execute(after.insert(), [{"slug": slug, "identity": 0, "server": ""} for slug in slugs])
