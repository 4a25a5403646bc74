"""The tables of the CRM's database that are not an organisation's own: the registry, and the accounts server's."""

from pathlib import Path

from moorage.storage.migrate import History

# Not Alembic's own name for the table, so that one database can hold the control database's tables, too.
CRM = History(Path(__file__).parent, "0007", table="crm_alembic_version", schema="moorage_crm")
