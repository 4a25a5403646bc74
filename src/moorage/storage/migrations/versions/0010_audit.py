"""The audit: entries in a chain for each account, which can't be changed or removed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("account_id", sa.Text, primary_key=True),  # No foreign key: an entry outlives its account.
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text),
        sa.Column("actor_name", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("audit_entries_by_subject", "audit_entries", ["account_id", "subject", "number"])
    op.create_table(
        "audit_heads",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _refuse_in_sqlite()
    else:
        _refuse_in_postgresql()


def _refuse_in_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END"
    for event in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER audit_entries_{event.lower()} BEFORE {event} ON audit_entries {refuse}")
    op.execute(f"CREATE TRIGGER audit_heads_delete BEFORE DELETE ON audit_heads {refuse}")
    op.execute(
        "CREATE TRIGGER audit_heads_update BEFORE UPDATE ON audit_heads"
        f" WHEN NEW.number <> OLD.number + 1 {refuse}"
    )


def _refuse_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit only grows'; END $$"
    )
    refuse = "EXECUTE FUNCTION audit_refuse()"
    op.execute(
        f"CREATE TRIGGER audit_entries_change BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW {refuse}"
    )
    op.execute(f"CREATE TRIGGER audit_heads_delete BEFORE DELETE ON audit_heads FOR EACH ROW {refuse}")
    # Not on columns of text, because those get another collation after the migrations.
    op.execute(
        "CREATE TRIGGER audit_heads_update BEFORE UPDATE ON audit_heads FOR EACH ROW"
        f" WHEN (NEW.number <> OLD.number + 1) {refuse}"
    )
    for table in ("audit_entries", "audit_heads"):
        op.execute(f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
