"""SQLite as the control database: a file that several processes share."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from moorage.storage.backend import QUIET, SQLITE
from moorage.storage.errors import DatabaseUnusable

# Milliseconds. Readers do not wait for writers, but for locks on the whole file, such as for its repair after a crash.
_READERS_WAIT = 2000
_WRITERS_WAIT = 10_000
# The file has room for a number of ours, `PRAGMA user_version`, of 32 bits. Its upper half counts the transactions that
# are to be noticed, its lower half the quiet ones. Both begin again at 0, which is no harm, as watches only compare.
_HALF = 0x10000
_CHANGES = "changes"  # The rows that a connection had changed when its transaction began, in its `info`.


def sqlite_path(url: str) -> Path:
    return Path(url.removeprefix(SQLITE))


class Sqlite:
    """Implements `Backend`."""

    def __init__(self, url: str) -> None:
        self.path = sqlite_path(url)
        self.name = str(self.path)

    def writing(self) -> sa.Engine:
        # With a plain BEGIN, a transaction that reads first would fail at its first write if another one has written.
        pragmas = ("synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_WRITERS_WAIT}")
        engine = _engine(self.path, pragmas, "BEGIN IMMEDIATE")
        sa.event.listen(engine, "connect", _write_ahead)
        return engine

    def reading(self) -> sa.Engine:
        return _engine(self.path, ("query_only = ON", f"busy_timeout = {_READERS_WAIT}"), "BEGIN")

    def wait_at_most(self, connection: sa.Connection, seconds: float) -> None:
        # By the driver, because SQLAlchemy would begin the transaction first.
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}").close()

    def has_ended(self, _connection: sa.Connection) -> bool:
        return False

    def describe(self) -> str:
        return ""

    def is_served(self, _connection: sa.Connection) -> bool:
        return False  # A server holds the lock of its data folder, which says so.

    def watch(self) -> "SqliteWatch":
        return SqliteWatch(self.path)

    def make(self, beside: Iterable[Path]) -> None:
        path = self.path
        has_content = path.exists() and path.stat().st_size > 0
        older_files = [file for file in beside if file.exists() and file.stat().st_size]
        if older_files and not has_content:
            # A lost database must not look like a first start, which would hide that all keys and connections are lost.
            names = " and ".join(str(file) for file in older_files)
            raise DatabaseUnusable(
                f"{path} is {'empty' if path.exists() else 'missing'}, but {names} of an earlier start still exists.",
                help="Restore a copy of the database. To start again without its keys and connections, move the named"
                " files away.",
                kind="damaged",
            )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            path.touch(mode=0o600)

    def sort_by_code_points(self, connection: sa.Connection) -> None:
        """It does so by itself."""


class SqliteWatch:
    """Implements `Watch`.

    SQLite tells that another connection has committed (`data_version`), but not which. The numbers of transactions tell
    whether all of the commits were quiet. If no number has changed, a program that is not Moorage has written. That is
    missed if a quiet transaction was committed, too, since the last call.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._commits: int | None = None
        self._counted: int | None = None
        self._version = 0

    def version(self) -> int | None:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, timeout=0)
            commits = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            if commits != self._commits:
                before, self._counted = self._counted, _transactions(self._connection)
                self._commits = commits
                if before in (None, self._counted) or before // _HALF != self._counted // _HALF:
                    self._version += 1
        except sqlite3.Error:
            self.close()
            return None
        return self._version

    async def latest(self) -> int | None:
        return self.version()

    def note(self, connection: sa.Connection) -> None:
        """The file's own counter tells of it."""

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._commits = self._counted = None


def _transactions(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _engine(path: Path, pragmas: Iterable[str], begin: str) -> sa.Engine:
    # Each thread keeps its connection, so a pool is not needed.
    engine = sa.create_engine(f"{SQLITE}{path}", poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", _set_up(pragmas))
    sa.event.listen(engine, "begin", lambda connection: _begin(connection, begin))
    sa.event.listen(engine, "commit", _count)
    return engine


def _begin(connection: sa.Connection, begin: str) -> None:
    connection.exec_driver_sql(begin)
    driver: Any = connection.connection.dbapi_connection
    connection.info[_CHANGES] = driver.total_changes


def _count(connection: sa.Connection) -> None:
    """Count a transaction right before its commit. One that has only read is not counted, as that would be a write."""
    driver: Any = connection.connection.dbapi_connection
    if driver.total_changes == connection.info[_CHANGES]:
        return
    noticed, quiet = divmod(_transactions(driver), _HALF)
    if connection.info.get(QUIET):
        quiet = (quiet + 1) % _HALF
    else:
        noticed = (noticed + 1) % (_HALF // 2)  # The number has a sign.
    driver.execute(f"PRAGMA user_version = {noticed * _HALF + quiet}").close()


def _write_ahead(connection: Any, _record: Any) -> None:
    """Keep changes in a log beside the file, so that readers and a writer do not wait for each other.

    For the first change of a new file SQLite does not wait for other connections, whatever the timeout: its lock for
    reading becomes one for writing.
    """
    deadline = time.monotonic() + _WRITERS_WAIT / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _set_up(pragmas: Iterable[str]) -> Callable[[Any, Any], None]:
    def set_up(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions, because SQLAlchemy does (see `_engine`).
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return set_up
