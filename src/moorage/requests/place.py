"""Where the request log is: beside the control database, so that neither waits for the other."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from moorage.requests.migrations import REQUESTS
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql
from moorage.storage.errors import DatabaseNotEmpty
from moorage.storage.migrate import migrate
from moorage.storage.moving import count_rows, move, require_empty
from moorage.storage.sqlite import sqlite_path

_PAGE = 16 * 1024
_OF_LOG = "requests."  # Begins the names of its tables.


def url_of(settings: Settings) -> str:
    """A file of its own in the data folder, or a schema of its own in the PostgreSQL database of `database_url`."""
    return beside(settings.database_url, settings.home)


def beside(database_url: str, home: Path) -> str:
    """As `url_of`, for another control database of the same data folder."""
    return database_url if is_postgresql(database_url) else f"sqlite:///{home / 'requests.db'}"


def prepare(settings: Settings) -> None:
    """Make the tables, or bring them up to date. Raises DatabaseUnusable."""
    url = url_of(settings)
    if not is_postgresql(url):
        _make_file(sqlite_path(url))
    migrate(url, history=REQUESTS)


def _make_file(path: Path) -> None:
    """Make a file with large pages if there is none. Its rows are blocks of some 25 kB."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute(
            "PRAGMA journal_mode = WAL"
        )  # Writes the first page, so the size holds from now on.


def carry(settings: Settings, target: str, on_table: Callable[[str, int], None], *, dry_run: bool) -> None:
    """Copy the log to where it is with the control database `target`. A log that is there already is left alone.

    `on_table` is called as in `moving.move`. Raises DatabaseUnusable.
    """
    old, new = url_of(settings), beside(target, settings.home)
    if old == new or (not is_postgresql(old) and not sqlite_path(old).exists()):
        return

    def tell(table: str, rows: int) -> None:
        on_table(f"{_OF_LOG}{table}", rows)

    try:
        require_empty(new, REQUESTS)
        migrate(old, history=REQUESTS)
        if dry_run:
            for table, rows in count_rows(old, REQUESTS).items():
                tell(table, rows)
        else:
            move(old, new, REQUESTS, tell)
    except DatabaseNotEmpty:
        return
