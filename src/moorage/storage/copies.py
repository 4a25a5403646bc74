"""Copies of SQLite files: of any at one moment, and of a database that a newer version is about to change."""

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.readiness import free_bytes
from moorage.storage.secret_files import flush_folder
from moorage.storage.trouble import disk_trouble, unusable

KEPT = 3  # Of each database.
_FOLDER = "backups"  # Beside the database.
_TIMES = 2  # Room for so many times the size of a database: one for its copy, one for the change itself.

log = Log(__name__)


def copy_file(source: Path, target: Path) -> None:
    """Copy a database that others may use, whole and sound, to a new file. Raises DatabaseUnusable."""
    target.touch(0o600)
    try:
        with disk_trouble(f"{source}"), contextlib.closing(sqlite3.connect(target)) as write:
            with contextlib.closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as read:
                read.backup(write)
            write.execute("PRAGMA journal_mode = DELETE")  # A single file, without a log beside it.
            [problem] = write.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise unusable(f"{source}", error, source) from error
    if problem != "ok":
        raise DatabaseUnusable(f"{source} is damaged: {problem}.", kind="damaged")


def keep_copy(database: Path, schema: str, new_schema: str) -> None:
    """Keep a copy of a database that is about to get a newer schema, and few older ones. Raises DatabaseUnusable."""
    folder = database.with_name(_FOLDER)
    partial = folder / f".{database.stem}.partial"
    with disk_trouble(f"{folder}"):
        folder.mkdir(exist_ok=True, mode=0o700)
        partial.unlink(missing_ok=True)  # A start that failed has left it, and it takes up room.
    _require_room(database)
    copy = folder / f"{database.stem}-{schema}-{datetime.now(UTC):%Y%m%dT%H%M%S}{database.suffix}"
    copy_file(database, partial)
    partial.replace(copy)
    flush_folder(copy)
    older = sorted(
        folder.glob(f"{database.stem}-*-*{database.suffix}"), key=lambda file: file.stat().st_mtime
    )
    for file in older[:-KEPT]:
        file.unlink(missing_ok=True)
    log.info("database.upgraded", database=str(database), schema=schema, to=new_schema, copy=str(copy))


def _require_room(database: Path) -> None:
    size = sum(file.stat().st_size for file in _files(database))
    free = free_bytes(database.parent)
    if free < _TIMES * size:
        raise DatabaseUnusable(
            f"There is no room to bring {database} up to date: that takes {_TIMES * size / 1e6:,.0f} MB, for a copy of"
            f" it and for the work, and its disk has {free / 1e6:,.0f} MB left. Nothing was changed.",
            help="Make room on that disk, and start again.",
            kind="full",
        )


def _files(database: Path) -> list[Path]:
    return [file for end in ("", "-wal") if (file := database.with_name(database.name + end)).exists()]
