"""The tables of the request log, which has a database of its own: a file, or a schema."""

from pathlib import Path

from moorage.storage.migrate import History

REQUESTS = History(Path(__file__).parent, "0004", table="requests_alembic_version", schema="moorage_requests")
