"""An organisation's file is copied while it is used, held, and closed for good when the organisation has another place.

Triggers write which rows change. They are in the file, so every process obeys them from their commit on, whatever it
writes. A file without them costs its writers nothing.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from moorage.crm.storage.carried import FOLLOWED, LATER_TABLES, later_creation
from moorage.crm.storage.contract.departures import ChangedIds, CopyOvertaken, OrganisationRows
from moorage.crm.storage.sqlite.change_mark import ChangeMark
from moorage.crm.storage.sqlite.file_rows import FileRows
from moorage.crm.storage.sqlite.long_files import LongFiles
from moorage.crm.storage.sqlite.metadata_change import set_version, version
from moorage.crm.storage.sqlite.readers import connect, transaction
from moorage.crm.storage.sqlite.whole_files import read_number
from moorage.crm.storage.sqlite.writer import PATIENCE

_CLOSED = "closed id"  # The name of the counter of ids meanwhile.
# In the order of their `number`, the rows that have changed.
_LOG = "changed"
_LOG_CREATION = f"CREATE TABLE {_LOG} (number INTEGER PRIMARY KEY, name TEXT NOT NULL, id INTEGER NOT NULL)"
_MODULE = re.compile(r"m\d+")
_CHANGES = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


@dataclass
class HeldFile:
    """`Held` of the contract."""

    rows: OrganisationRows
    changed: ChangedIds
    connection: apsw.Connection
    mark: ChangeMark

    def close(self) -> None:
        _rename(self.connection, "id", _CLOSED)
        with self.mark.changing():
            self.connection.execute("COMMIT")


class DepartingFile:
    """`Departing` of the contract, as long as the metadata have this `version`."""

    def __init__(
        self, connection: apsw.Connection, long_files: LongFiles, mark: ChangeMark, known_version: int
    ) -> None:
        self._connection = connection
        self._long_files = long_files
        self._mark = mark
        self._version = known_version
        self._taken = 0  # The number of the last change that was taken.

    @contextlib.contextmanager
    def everything(self) -> Iterator[OrganisationRows]:
        try:
            yield FileRows(self._connection, self._long_files)
        except apsw.Error:
            self._require_current()  # A table or a column may be gone.
            raise

    @contextlib.contextmanager
    def changes(self) -> Iterator[tuple[OrganisationRows, ChangedIds]]:
        with self._begun("BEGIN"):
            yield FileRows(self._connection, self._long_files), self._take()

    @contextlib.contextmanager
    def hold(self) -> Iterator[HeldFile]:
        with self._begun("BEGIN IMMEDIATE"):
            yield HeldFile(
                FileRows(self._connection, self._long_files), self._take(), self._connection, self._mark
            )

    @contextlib.contextmanager
    def _begun(self, statement: str) -> Iterator[None]:
        self._connection.execute(statement)
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _take(self) -> ChangedIds:
        self._require_current()
        sql = f"SELECT DISTINCT name, id FROM {_LOG} WHERE number > ? ORDER BY name, id"
        changed: dict[str, list[int]] = {}
        for table, row in self._connection.execute(sql, (self._taken,)):
            changed.setdefault(table, []).append(row)
        self._taken = self._connection.execute(f"SELECT coalesce(max(number), 0) FROM {_LOG}").get
        return changed

    def _require_current(self) -> None:
        if version(self._connection) != self._version:
            raise CopyOvertaken


@contextlib.contextmanager
def departing(path: Path, mark: ChangeMark) -> Iterator[DepartingFile]:
    """Changes are written down from here on, until `stay`."""
    long_files = LongFiles(path)
    with contextlib.closing(connect(path)) as connection, long_files.held():
        connection.set_busy_timeout(PATIENCE)
        with transaction(connection):
            known_version = version(connection)
            _forget(connection)
            connection.execute(_LOG_CREATION)
            for table in LATER_TABLES:  # Their first rows may come while it is copied.
                for statement in later_creation(table, "", "INTEGER"):
                    connection.execute(statement)
            for statement in _triggers(connection):
                connection.execute(statement)
        yield DepartingFile(connection, long_files, mark, known_version)


def stay(path: Path) -> None:
    """Let changes be written down no more. It is no error if there is no such file."""
    if path.exists():
        with contextlib.closing(connect(path)) as connection:
            connection.set_busy_timeout(PATIENCE)
            with transaction(connection):
                _forget(connection)


def _triggers(connection: apsw.Connection) -> Iterator[str]:
    tables: list[Any] = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        if table in FOLLOWED or _MODULE.fullmatch(table):
            for change, row in _CHANGES.items():
                yield (
                    f"CREATE TRIGGER {_LOG}_{table}_{change.lower()} AFTER {change} ON {table} BEGIN"
                    f" INSERT INTO {_LOG} (name, id) VALUES ('{table}', {row}.id); END"
                )


def _forget(connection: apsw.Connection) -> None:
    sql = f"SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '{_LOG}_%'"
    for (trigger,) in connection.execute(sql).fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute(f"DROP TABLE IF EXISTS {_LOG}")


def is_closed(path: Path) -> bool:
    return read_number(path, f"SELECT value FROM counters WHERE name = '{_CLOSED}'") is not None


def reopen(path: Path, mark: ChangeMark) -> None:
    """Let the file be used again."""
    with contextlib.closing(connect(path)) as connection, mark.changing():
        connection.execute("BEGIN IMMEDIATE")
        _rename(connection, _CLOSED, "id")
        connection.execute("COMMIT")


def _rename(connection: apsw.Connection, before: str, after: str) -> None:
    connection.execute("UPDATE counters SET name = ? WHERE name = ?", (after, before))
    set_version(connection, version(connection) + 1)
