"""An organisation's file is held, and closed for good when the organisation has another place."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

from moorage.crm.storage.sqlite.change_mark import ChangeMark
from moorage.crm.storage.sqlite.metadata_change import set_version, version
from moorage.crm.storage.sqlite.readers import connect
from moorage.crm.storage.sqlite.whole_files import copy, make_single, new_file, read_number
from moorage.crm.storage.sqlite.writer import PATIENCE

_CLOSED = "closed id"  # The name of the counter of ids meanwhile.


class HeldFile:
    """`Held` of the contract."""

    def __init__(self, connection: apsw.Connection, path: Path, mark: ChangeMark) -> None:
        self._connection = connection
        self._path = path
        self._mark = mark

    def snapshot(self, target: Path) -> None:
        with new_file(target) as partial:
            copy(self._path, partial)
            make_single(partial)

    def close(self) -> None:
        _rename(self._connection, "id", _CLOSED)
        with self._mark.changing():
            self._connection.execute("COMMIT")


@contextlib.contextmanager
def held(path: Path, mark: ChangeMark) -> Iterator[HeldFile]:
    """Nobody writes to the file in this context."""
    with contextlib.closing(connect(path)) as connection:
        connection.set_busy_timeout(PATIENCE)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield HeldFile(connection, path, mark)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


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
