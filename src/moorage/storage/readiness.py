"""Whether what is kept can be read and written, looked at in ways that hold nobody up."""

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
from moorage.storage.trouble import DAMAGED, LITTLE_ROOM, tell, trouble_of, unusable

FRESH_SECONDS = 1.0  # How old an answer may be, so that asking often costs nothing.
CHECKED_SECONDS = 300.0  # How old the whole check of a file may be ...
CHECK_SECONDS = 2.0  # ... and how long it may take: a large one is looked at as far as that goes.
_STEPS = 100_000  # Of SQLite's machine, between looks at the time.


def require_room(folder: Path) -> None:
    """Write a little where it leaves nothing behind, and takes no lock. Raises DatabaseUnusable."""
    try:
        # Without a name where the system knows such files, so that nothing stays if this process is killed.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * LITTLE_ROOM)
            file.flush()
    except OSError as error:
        raise unusable(f"{folder}", error) from error


def free_bytes(folder: Path) -> int:
    """What its disk has left for this user."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def complaint(path: Path, seconds: float | None = None) -> str | None:
    """What SQLite finds wrong with a file, None for nothing, or for nothing so far when the time is over.

    Raises DatabaseUnusable where something else than the file keeps it from being looked at.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            if seconds is not None:
                end = time.monotonic() + seconds
                connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        return fault_of_file(path, error)
    return None if said == "ok" else " ".join(str(said).split())


def fault_of_file(path: Path, error: Exception) -> str:
    """What an error says of a file that was looked at. Raises DatabaseUnusable if it says nothing of it."""
    if trouble_of(error, path) not in {None, DAMAGED}:
        raise unusable(f"{path}", error, path) from error
    return str(error)


class Readiness:
    """`look` raises what stands against it; the folders have to have room.

    `files` are looked at for so many seconds, and tell what is wrong, as `complaint` does.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[None]],
        folders: set[Path],
        files: dict[str, Callable[[float], str | None]],
    ) -> None:
        self._look = look
        self._folders = folders
        self._files = files
        self._checked = -CHECKED_SECONDS
        self._found: tuple[float, MoorageError | None] = (-FRESH_SECONDS, None)
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether the last look is recent enough to be told."""
        return time.monotonic() - self._found[0] < FRESH_SECONDS

    async def look(self) -> None:
        """Look anew; all who ask at once share one look."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_anew())
        await asyncio.shield(self._looking)

    def require_found(self) -> None:
        """Raises what the last look found."""
        if self._found[1] is not None:
            raise self._found[1].with_traceback(None)

    async def _look_anew(self) -> None:
        error: MoorageError | None = None
        try:
            await self._look()
            await asyncio.to_thread(self._look_at_files)
        except DatabaseUnusable as trouble:
            tell("readiness", trouble.kind, trouble)
            error = trouble
            self._checked = -CHECKED_SECONDS
        except MoorageError as other:
            error = other
        self._found = (time.monotonic(), error)

    def _look_at_files(self) -> None:
        for folder in self._folders:
            require_room(folder)
        if time.monotonic() - self._checked < CHECKED_SECONDS:
            return
        for what, complaint_of in self._files.items():
            said = complaint_of(CHECK_SECONDS)
            if said is not None:
                raise DatabaseUnusable(
                    f"{what} can't be used: {DAMAGED.cause} ({said[:200]}).",
                    help=DAMAGED.fix,
                    kind=DAMAGED.kind,
                )
        self._checked = time.monotonic()
