"""Checks that databases and folders can be read and written, without delaying other work."""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from moorage.errors import MoorageError
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import LITTLE_ROOM, log_trouble, trouble_of, unusable
from moorage.storage.trouble_kinds import DAMAGED

FRESH_SECONDS = 1.0  # A result is used for this long, so that frequent requests cost little.
CHECKED_SECONDS = 300.0  # The time between two checks of a whole file.
CHECK_SECONDS = 2.0  # The time limit for one such check. Of a large file it reaches only a part.
_STEPS = 100_000  # Instructions of SQLite's virtual machine between two looks at the clock.


def require_room(folder: Path) -> None:
    """Write some bytes to a temporary file, and remove it. Raises DatabaseUnusable if that fails."""
    try:
        # Where the system supports it, the file has no name, so that it is gone even if this process is killed.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * LITTLE_ROOM)
            file.flush()
    except OSError as error:
        raise unusable(f"{folder}", error) from error


def free_bytes(folder: Path) -> int:
    """The free space on the folder's disk for this user."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def complaint(path: Path, seconds: float | None = None) -> str | None:
    """What SQLite finds wrong with a file; None if it finds nothing, or nothing in the given `seconds`.

    Raises DatabaseUnusable if the check fails for a reason outside the file.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            if seconds is not None:
                end = time.monotonic() + seconds
                connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        return fault_of_file(path, error)
    return None if result == "ok" else " ".join(str(result).split())


def fault_of_file(path: Path, error: Exception) -> str:
    """The fault of a file, from an error of its check. Raises DatabaseUnusable if the error has another cause."""
    if trouble_of(error, path) not in {None, DAMAGED}:
        raise unusable(f"{path}", error, path) from error
    return str(error)


class Readiness:
    """Checks if the server can work. `check` raises an error if it can't. All `folders` need free space.

    `files` has a check for each file, by the file's name in errors. The check takes a time limit in seconds, and
    returns what is wrong, as `complaint` does.
    """

    def __init__(
        self,
        check: Callable[[], Awaitable[None]],
        folders: set[Path],
        files: dict[str, Callable[[float], str | None]],
    ) -> None:
        self._check = check
        self._folders = folders
        self._files = files
        self._checked = -CHECKED_SECONDS
        self._result: tuple[float, MoorageError | None] = (-FRESH_SECONDS, None)
        self._running: asyncio.Task[None] | None = None

    @property
    def is_fresh(self) -> bool:
        """True if the last result is recent enough to be used."""
        return time.monotonic() - self._result[0] < FRESH_SECONDS

    async def look(self) -> None:
        """Run all checks. Callers at the same time share one run."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._run())
        await asyncio.shield(self._running)

    def require_ready(self) -> None:
        """Raises the error of the last run, if there was one."""
        if self._result[1] is not None:
            raise self._result[1].with_traceback(None)

    async def _run(self) -> None:
        error: MoorageError | None = None
        try:
            await self._check()
            await asyncio.to_thread(self._check_files)
        except DatabaseUnusable as trouble:
            log_trouble("readiness", trouble.kind, trouble)
            error = trouble
            self._checked = -CHECKED_SECONDS
        except MoorageError as other:
            error = other
        self._result = (time.monotonic(), error)

    def _check_files(self) -> None:
        for folder in self._folders:
            require_room(folder)
        if time.monotonic() - self._checked < CHECKED_SECONDS:
            return
        for what, complaint_of in self._files.items():
            damage = complaint_of(CHECK_SECONDS)
            if damage is not None:
                raise DatabaseUnusable(
                    f"{what} can't be used: {DAMAGED.cause} ({damage[:200]}).",
                    help=DAMAGED.fix,
                    kind=DAMAGED.kind,
                )
        self._checked = time.monotonic()
