"""Codes that are asked for after the password. Their secrets are in the vault; of recovery codes there are digests."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("people", sa.Column("totp_since", sa.BigInteger))
    op.add_column("people", sa.Column("totp_step", sa.BigInteger))
    op.create_table(
        "person_recovery_codes",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("person_recovery_codes_by_person", "person_recovery_codes", ["person_id"])
