"""A control database for a test, in SQLite and in PostgreSQL.

In PostgreSQL the tests of one process share a database, which is made once and emptied for each: to make one takes a
hundred times as long as to empty it.
"""

import sqlite3

import psycopg
import pytest

from moorage.requests.migrations import REQUESTS
from moorage.settings.databases import is_postgresql
from moorage.storage.migrate import migrate
from moorage.storage.sqlite import sqlite_path
from tests.control import migrated
from tests.postgresql import databases

ENGINES = "sqlite", "postgresql"
VAULT_KEY = "5a" * 32
_KEPT = {"alembic_version", "requests_alembic_version", "turn"}
_GROWING = "audit_entries", "audit_heads"  # Their triggers refuse to remove anything.


@pytest.fixture(scope="session")
def shared_control_database(postgresql, postgresql_owner):
    """The URL of a control database in PostgreSQL, and what empties it."""
    with databases(postgresql, postgresql_owner) as make:
        url = make()
        migrate(url)
        migrate(url, history=REQUESTS)
        tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'moorage%'"
        with psycopg.connect(url, autocommit=True) as connection:
            names = [name for (name,) in connection.execute(tables) if name.partition(".")[2] not in _KEPT]
            for name in _GROWING:
                connection.execute(f"ALTER TABLE moorage.{name} DISABLE TRIGGER USER")
            yield url, lambda: connection.execute("; ".join(f"DELETE FROM {name}" for name in sorted(names)))


@pytest.fixture
def control_in_postgresql(shared_control_database):
    """The URL of an empty control database in PostgreSQL."""
    url, empty = shared_control_database
    empty()
    return url


@pytest.fixture
def database_settings():
    """The settings of a server with a control database in SQLite."""
    return {}


@pytest.fixture(params=ENGINES)
def on_both(request):
    """The settings of a server whose control database is of each kind.

    A file of tests whose statements reach the database imports this fixture under the name `database_settings`. Each
    kind is not worth the time for all tests.
    """
    if request.param == "sqlite":
        return {}
    url = request.getfixturevalue("control_in_postgresql")
    return {"MOORAGE_DATABASE_URL": url, "MOORAGE_VAULT_KEY": VAULT_KEY}


@pytest.fixture(params=ENGINES)
def control_url(request, tmp_path):
    """The URL of an empty control database of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("control_in_postgresql")
    migrated(tmp_path / "moorage.db")
    return f"sqlite:///{tmp_path / 'moorage.db'}"


class Held:
    """The control database, which another program can hold, so that nothing can be written."""

    def __init__(self, settings):
        self._url = settings.database_url
        self._of_postgresql = is_postgresql(self._url)
        self._other = self._connected()

    def _connected(self):
        if self._of_postgresql:
            return psycopg.connect(self._url, autocommit=True)
        return sqlite3.connect(sqlite_path(self._url), isolation_level=None)

    def hold(self):
        if self._of_postgresql:
            self._other.execute("BEGIN; UPDATE moorage.turn SET number = number")
        else:
            self._other.execute("BEGIN IMMEDIATE")

    def let_go(self):
        self._other.rollback()

    def close(self):
        self._other.close()
