"""Scopes, modes and an end for API keys, and several secrets for each while it is rotated.

Keys that were there go on as they were: with every scope, for live connections too, and without an end.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # SQLite can't drop a column that is unique, so the table is made anew.
    op.rename_table("api_keys", "api_keys_before")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.execute(
        "INSERT INTO api_keys (id, account_id, name, mode, created_at, last_used_at, revoked_at) "
        "SELECT id, account_id, name, 'live', created_at, last_used_at, revoked_at FROM api_keys_before"
    )
    op.create_index("api_keys_by_account", "api_keys", ["account_id", "created_at"])
    op.create_table(
        "api_key_secrets",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
        sa.Column("public_part", sa.Text, unique=True),
        sa.Column("ends_at", sa.BigInteger),
    )
    op.create_index("api_key_secrets_by_key", "api_key_secrets", ["key_id"])
    op.execute("INSERT INTO api_key_secrets (digest, key_id) SELECT digest, id FROM api_keys_before")
    op.drop_table("api_keys_before")
