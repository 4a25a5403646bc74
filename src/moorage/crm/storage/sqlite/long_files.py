"""The long files of an organisation: bodies of uploads that stay as they came, in a folder beside its database.

SQLite writes all bytes twice, into its log and into its file. So a part of such a content holds no bytes, but a place:
a text with the name of a long file, and where in it the bytes are. A copy of the database has the bytes themselves.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from moorage.crm.storage.contract.files import PART_SIZE
from moorage.crm.storage.files import PARTS
from moorage.crm.storage.sqlite.schema import has_table
from moorage.locks import FileLock
from moorage.storage import flush_folder

_LOCK = "lock"
_NAME = re.compile("[0-9]+-[0-9a-f]{16}")
_PLACE = re.compile(f"({_NAME.pattern}) ([0-9]{{1,12}}) ([0-9]{{1,12}})")
_BESIDE = 64 * 1024  # Bytes of a body that may be kept beside those of its file.
_IS_PLACE = "typeof(data) = 'text'"
# Whether a content is still being written, or its first part is in this long file.
_IS_NEEDED = (
    "SELECT 1 FROM contents WHERE id = ?1 AND digest IS NULL AND size = 0 UNION ALL SELECT 1 FROM"
    f" (SELECT data FROM {PARTS} WHERE content = ?1 ORDER BY id LIMIT 1)"
    f" WHERE {_IS_PLACE} AND substr(data, 1, length(?2) + 1) = ?2 || ' '"
)


class LongFileMissing(apsw.CorruptError):
    """A long file is gone or too short, as when somebody has copied a database without it."""

    extendedresult = apsw.SQLITE_CORRUPT


class LongFiles:
    """Those beside a `database`. Their folder is made when it is needed."""

    def __init__(self, database: Path) -> None:
        self._folder = database.with_name(f"{database.name}-files")

    def keep(self, content: int, handle: int, size: int) -> str | None:
        """Name a file that has no name yet. Then it is on the disk for good. Closes the handle.

        None if much else is in it than `size` bytes, or the system can't: it is no file of the spool, or one on another
        disk.
        """
        name = f"{content}-{secrets.token_hex(8)}"
        try:
            if os.fstat(handle).st_size > size + _BESIDE:
                return None
            os.fsync(handle)
            self._make()
            with _opened(self._folder) as folder:
                os.link(f"/proc/self/fd/{handle}", name, dst_dir_fd=folder)
                os.fsync(folder)
        except (OSError, LongFileMissing):
            return None
        finally:
            os.close(handle)
        return name

    def whole(self, rows: Sequence[Sequence[Any]], column: int) -> list[tuple[Any, ...]]:
        """Rows of parts with bytes instead of places. Raises LongFileMissing."""
        return [
            (*row[:column], self._bytes(row[column]), *row[column + 1 :])
            if isinstance(row[column], str)
            else tuple(row)
            for row in rows
        ]

    def fill(self, copy: Path) -> None:
        """Write the bytes into a copy of the database. Raises LongFileMissing."""
        with contextlib.closing(apsw.Connection(str(copy))) as connection:
            if has_table(connection, PARTS):
                sql = f"SELECT id, data FROM {PARTS} WHERE {_IS_PLACE}"
                places: list[Any] = connection.execute(sql).fetchall()
                with connection:
                    connection.executemany(
                        f"UPDATE {PARTS} SET data = ? WHERE id = ?",
                        ((self._bytes(place), row) for row, place in places),
                    )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is removed until the block ends, though later rows may not lead to it any more."""
        if not self._folder.exists():  # What comes into it now stays longer than anybody reads.
            yield
            return
        with FileLock(self._folder / _LOCK, shared=True):
            yield

    def tidy(self, connect: Callable[[], apsw.Connection]) -> None:
        """Remove what no content has any more. If somebody reads an older moment, the next call does.

        The row of a content is committed before its file gets a name, so every file without a row is left over.
        """
        names = self._names()
        if not names:
            return
        with (
            contextlib.suppress(BlockingIOError),
            FileLock(self._folder / _LOCK, wait=False),
            contextlib.closing(connect()) as connection,
        ):
            has_contents = has_table(connection, PARTS)
            for name in names:
                content = int(name.partition("-")[0])
                if not has_contents or not connection.execute(_IS_NEEDED, (content, name)).fetchone():
                    (self._folder / name).unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []

    def _make(self) -> None:
        try:
            self._folder.mkdir(mode=0o700)
        except FileExistsError:
            return
        flush_folder(self._folder)

    def _bytes(self, place: str) -> bytes:
        """Snapshots come from outside, so a place may be anything, and lead anywhere."""
        found = _PLACE.fullmatch(place)
        if found is None:
            raise LongFileMissing(f"{place[:99]!r} is no place in a long file")
        path, start, size = self._folder / found[1], int(found[2]), int(found[3])
        data = b""
        with contextlib.suppress(FileNotFoundError), _opened(path) as handle:
            data = os.pread(handle, min(size, PART_SIZE), start)
        if len(data) != size:
            raise LongFileMissing(f"{path} is missing or too short")
        return data


def places(name: str, start: int, size: int) -> list[str]:
    """The parts of a content whose bytes are in a long file."""
    end = start + size
    return [f"{name} {at} {min(PART_SIZE, end - at)}" for at in range(start, end, PART_SIZE)]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A handle of a file or a folder. Raises LongFileMissing for a link, as Moorage makes none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LongFileMissing(f"{path} is a link") from None
        raise
    try:
        yield handle
    finally:
        os.close(handle)
