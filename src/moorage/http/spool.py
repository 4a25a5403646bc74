"""Keeps long bodies of requests on disk, in files without a name."""

import asyncio
import contextlib
import errno
import os
import tempfile
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Protocol

from moorage.errors import MoorageError
from moorage.http.errors import TooBusy

MAX_SPOOLED = 4 * 1024 * 1024 * 1024  # Bytes of bodies on disk, for one process.
LEFT_FREE = 64 * 1024 * 1024  # Bytes of the disk that stay free for the databases.


class MemoryCount(Protocol):
    """The bytes of bodies in memory, and their limit."""

    limit: int
    held: int


class Spool:
    """Keeps at most `limit` bytes of bodies on disk, in `folder`, which has to exist.

    `explain` turns an error of the disk into a MoorageError. The disk counts as full when only `left_free` bytes are
    free.
    """

    def __init__(
        self,
        folder: Path,
        explain: Callable[[OSError], MoorageError],
        limit: int = MAX_SPOOLED,
        left_free: int = LEFT_FREE,
    ) -> None:
        self._folder = folder
        self._left_free = left_free
        self.explain = explain
        self._limit = limit
        self.used = 0

    def take(self, size: int) -> None:
        """Count `size` more bytes. Raises TooBusy if they are too many."""
        if self.used + size > self._limit:
            raise TooBusy
        self.used += size

    def require_room(self, size: int) -> None:
        """Raises OSError if `size` more bytes would leave less than `left_free` bytes free."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < size + self._left_free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open(self) -> FileIO:
        """A new file without a name. The system deletes it when it is closed, or when the process ends.

        Those that `tempfile` makes can't get a name later, as a link to the file.
        """
        if hasattr(os, "O_TMPFILE"):
            with contextlib.suppress(OSError):  # Not every file system has such files.
                return FileIO(os.open(self._folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+")
        return tempfile.TemporaryFile(buffering=0, dir=self._folder, prefix="body-")


class SpooledBody:
    """A body on disk, of `size` bytes. It exists until `close`, or until no code refers to it."""

    __slots__ = ("_file", "_memory", "_read", "_spool", "size")

    def __init__(self, spool: Spool, memory: MemoryCount) -> None:
        self._spool = spool
        self._memory = memory
        self._file: FileIO | None = None
        self._read = 0  # The bytes that were read into memory. They count against `memory`.
        self.size = 0

    async def append(self, data: bytes | bytearray) -> None:
        """Write more bytes, in a thread. Raises TooBusy, and the spool's errors of the disk."""
        self._spool.take(len(data))
        self.size += len(data)
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            raise self._spool.explain(error) from error

    async def whole(self) -> bytes:
        """The whole body, read in a thread. Raises TooBusy if memory has no room for it, and the errors of `append`."""
        if not self._read:
            if self._memory.held + self.size > self._memory.limit:
                raise TooBusy
            self._memory.held += self.size
            self._read = self.size
        try:
            return await asyncio.to_thread(lambda: self.file().readall())
        except OSError as error:
            raise self._spool.explain(error) from error

    def file(self) -> FileIO:
        """The file, at its beginning. Read it in a thread, with one reader at a time."""
        assert self._file is not None
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Free the space on disk and in memory. The body can't be read after this."""
        self._spool.used -= self.size
        self._memory.held -= self._read
        self.size = self._read = 0
        if self._file is not None:
            self._file.close()

    def _write(self, data: bytes | bytearray) -> None:
        self._spool.require_room(len(data))
        if self._file is None:
            self._file = self._spool.open()
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def __del__(self) -> None:
        self.close()
