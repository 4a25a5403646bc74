"""Bodies of requests that are too long for memory: on disk, in files without a name."""

import asyncio
import errno
import os
import tempfile
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Protocol

from moorage.errors import MoorageError
from moorage.http.errors import TooBusy

MAX_SPOOLED = 4 * 1024 * 1024 * 1024  # In one process.
LEFT_FREE = 64 * 1024 * 1024  # Of the disk, for the databases that share it.


class Held(Protocol):
    """The bytes that are held in memory, of those that may be."""

    limit: int
    held: int


class Spool:
    """Where long bodies lie, in a `folder` that is there, and how many bytes of them may at once.

    `explain` words trouble with the disk, which counts as full before it is.
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
        """Count so many bytes more. Raises TooBusy."""
        if self.used + size > self._limit:
            raise TooBusy
        self.used += size

    def require_room(self, size: int) -> None:
        """Raises OSError where the disk would be all but full with so many bytes more."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < size + self._left_free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open(self) -> FileIO:
        """A new file. It has no name, so that it is gone with the process at the latest."""
        return tempfile.TemporaryFile(buffering=0, dir=self._folder, prefix="body-")


class SpooledBody:
    """A body on disk. It is there until its request is answered; parts of an answer may read it for as long as they
    refer to it. `size` is how much of it lies there."""

    __slots__ = ("_file", "_memory", "_read", "_spool", "size")

    def __init__(self, spool: Spool, memory: Held) -> None:
        self._spool = spool
        self._memory = memory
        self._file: FileIO | None = None
        self._read = 0  # How much of it was read into memory, which counts there.
        self.size = 0

    async def append(self, data: bytes | bytearray) -> None:
        """Write on, in a thread. Raises TooBusy, and what the spool says of its disk."""
        self._spool.take(len(data))
        self.size += len(data)
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            raise self._spool.explain(error) from error

    async def whole(self) -> bytes:
        """All of it, read in a thread. Raises TooBusy where that would be too much in memory, and as `append`."""
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
        """The file, at its beginning. It may be read in a thread, by one reader at a time."""
        assert self._file is not None
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Give back what it takes, of the disk and of memory. Nobody reads it any more."""
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
