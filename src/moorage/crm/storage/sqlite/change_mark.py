"""A mark in shared memory. It changes as soon as the metadata of any organisation may have changed, for all processes.

Without it, every call of the API would read the version in the organisation's file. That takes 4 microseconds, most of
them for locks. Reading a few bytes of shared memory takes a tenth of a microsecond.
"""

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from moorage.locks import FileLock

_SIZE = 8


class ChangeMark:
    """`path` is the mark's own file, made if it is missing. If that fails, every call reads the organisation's file.

    A process that changes metadata locks the mark's file before it changes the mark, and until its change is done.
    Several processes can hold this lock. If a process is killed, the system releases its lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory: mmap.mmap | None = None
        with contextlib.suppress(OSError), self._opened() as file:
            if os.fstat(file).st_size < _SIZE:
                os.ftruncate(file, _SIZE)
            self._memory = mmap.mmap(file, _SIZE)

    def now(self) -> bytes | None:
        """The mark, to be compared with a later one; None if there is no mark."""
        return None if self._memory is None else self._memory[:]

    def is_settled(self) -> bool:
        """True if no process is changing metadata now."""
        try:
            with FileLock(self._path, wait=False):
                return True
        except OSError:
            return False

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """The context in which metadata are changed and committed."""
        if self._memory is None:
            yield
            return
        with FileLock(self._path, shared=True):
            self._memory[:] = os.urandom(_SIZE)
            yield

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield file
        finally:
            os.close(file)
