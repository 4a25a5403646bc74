"""Whole files of organisations: copied, checked, made new, and removed."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from moorage.crm.storage.carried import unwritable
from moorage.crm.storage.sqlite.long_files import LongFiles
from moorage.crm.storage.sqlite.writer import PATIENCE
from moorage.storage import flush_folder
from moorage.storage.trouble import trouble_of, unusable
from moorage.storage.trouble_kinds import NO_DESCRIPTORS


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """The path of a file that takes the place of `target` once it is whole. Raises SnapshotUnwritable."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        remove(partial)
        yield partial
        partial.replace(target)
        flush_folder(target)
    except (OSError, apsw.CantOpenError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError) as error:
        raise unwritable(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            remove(partial)


def is_of(path: Path, identity: int) -> bool:
    """Whether this is the file of the organisation with that id."""
    return path.is_file() and identity_of(path) == identity


def identity_of(path: Path) -> int | None:
    return read_number(path, "SELECT id FROM metadata WHERE kind = 'org'")


def last_id(path: Path) -> int:
    return read_number(path, "SELECT value FROM counters WHERE name = 'id'") or 0


def read_number(path: Path, sql: str) -> int | None:
    """A number from a file; None if the file is not an organisation. Raises DatabaseUnusable if it can't be opened."""
    try:
        with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            # The last connection that closes a database locks it for a moment.
            connection.set_busy_timeout(PATIENCE)
            row = connection.execute(sql).fetchone()
    except apsw.Error as error:
        if trouble_of(error, path) is NO_DESCRIPTORS:
            raise unusable(f"{path}", error, path) from error
        return None
    return row[0] if row else None


def copied_whole(source: Path, target: Path) -> bool:
    """Copy a database that may be damaged, and what lies beside it. Returns True if the copy is sound."""
    try:
        copy(source, target)
        if not is_sound(target):
            return False
        LongFiles(source).fill(target)
    except apsw.CorruptError:
        return False
    return True


def is_sound(path: Path) -> bool:
    try:
        with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").get == "ok")
    except (apsw.CorruptError, apsw.NotADBError):
        return False


def copy(source: Path, target: Path) -> None:
    """Overwrite a database with a copy of another, in one transaction. Both may be in use."""
    target.touch(0o600)
    with (
        contextlib.closing(apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)) as from_source,
        contextlib.closing(apsw.Connection(str(target))) as to_target,
    ):
        to_target.set_busy_timeout(PATIENCE)
        with to_target.backup("main", from_source, "main") as backup:
            _step(backup)


def _step(backup: apsw.Backup) -> None:
    """Copy everything in one step. If the last user of a file just closes it, it is locked for a moment: try again.

    SQLite does not wait for this lock by itself.
    """
    end = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            backup.step(-1)
        except apsw.BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return


def make_single(path: Path) -> None:
    """Make the database a single file, which can be moved, and can be read in a folder without write permission."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    LongFiles(path).remove()
