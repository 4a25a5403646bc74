"""Where the request log is: beside the control database, so that neither waits for the other."""

from pathlib import Path

from moorage.requests.migrations import REQUESTS
from moorage.settings import Settings
from moorage.settings.readers import is_postgresql
from moorage.storage.migrate import migrate


def url_of(settings: Settings) -> str:
    """A file of its own in the data folder, or a schema of its own in the PostgreSQL database of `database_url`."""
    return beside(settings.database_url, settings.home)


def beside(database_url: str, home: Path) -> str:
    """As `url_of`, for another control database of the same data folder."""
    return database_url if is_postgresql(database_url) else f"sqlite:///{home / 'requests.db'}"


def prepare(settings: Settings) -> None:
    """Make the tables, or bring them up to date. Raises DatabaseUnusable."""
    migrate(url_of(settings), history=REQUESTS)
