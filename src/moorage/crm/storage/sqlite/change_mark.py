"""A mark that all processes see change as soon as the metadata of any organisation may have changed.

To ask an organisation's file costs 4 microseconds, most of them for locks, and every call of the API would have to. To
look at a few bytes of shared memory costs a tenth of one.
"""

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from moorage.locks import FileLock

_SIZE = 8


class ChangeMark:
    """`path` is a file of its own, made when it is missing. Where that can't be, there is no mark, and all look always.

    Whoever changes something holds the file's lock, shared with others who do, from before the mark changes until the
    change is done. The system releases the lock of one who is killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory: mmap.mmap | None = None
        with contextlib.suppress(OSError), self._opened() as file:
            if os.fstat(file).st_size < _SIZE:
                os.ftruncate(file, _SIZE)
            self._memory = mmap.mmap(file, _SIZE)

    def now(self) -> bytes | None:
        """What to compare with a later look, None without a mark."""
        return None if self._memory is None else self._memory[:]

    def is_settled(self) -> bool:
        """Whether nobody is changing anything."""
        try:
            with FileLock(self._path, wait=False):
                return True
        except OSError:
            return False

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Around what changes metadata, its commit included."""
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
