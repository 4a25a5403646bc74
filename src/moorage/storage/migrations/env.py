"""Alembic's entry for all histories: `migrate.py` hands it the open connection and the table of their revisions."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"], version_table=attributes.get("table", "alembic_version")
)
with context.begin_transaction():
    context.run_migrations()
