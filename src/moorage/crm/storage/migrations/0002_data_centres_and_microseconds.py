"""Where an organisation lives is a column; when it was made is in microseconds, as times in the control database are.

Two organisations that were made within one second had no order before.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SECOND = 1_000_000  # Microseconds.


def upgrade() -> None:
    op.add_column("organisations", sa.Column("data_centre", sa.Text))
    organisations = sa.table(
        "organisations",
        sa.column("id", sa.BigInteger),
        sa.column("spec", sa.LargeBinary),
        sa.column("created_at", sa.BigInteger),
        sa.column("data_centre", sa.Text),
    )
    connection = op.get_bind()
    connection.execute(organisations.update().values(created_at=organisations.c.created_at * _SECOND))
    for row in connection.execute(sa.select(organisations.c.id, organisations.c.spec)).all():
        data_centre = json.loads(row.spec).get("data_centre")
        this_one = organisations.c.id == row.id
        connection.execute(organisations.update().where(this_one).values(data_centre=data_centre))
