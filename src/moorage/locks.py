"""A lock on a file, for processes that must not do the same thing at once.

The library filelock was considered. It empties the file that it locks, but two of ours have content: the id of the
process that serves a data folder, and the secret itself. It also has no shared locks.
"""

import os
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # On Windows. Commands that call a server work there; they lock nothing.
    fcntl = None  # type: ignore[assignment]

IS_POSIX = fcntl is not None


class FileLock:
    """Holds the lock until the end of its `with` block, which gets the file, open to read and write.

    The file is created if it is missing, for its owner only. Forks of this process hold the lock along with it. The
    system releases the lock when the last of them ends, in whatever way.

    Waits for whoever holds the lock; with `wait` set to False, raises BlockingIOError instead. A `shared` lock may be
    held by several at once, but not beside one that isn't shared. Without `follow_links`, a link is refused with
    OSError (ELOOP).
    """

    def __init__(
        self, path: Path, *, wait: bool = True, shared: bool = False, follow_links: bool = True
    ) -> None:
        self._path = path
        self._flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
        self._operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)

    def __enter__(self) -> BinaryIO:
        file = os.fdopen(os.open(self._path, self._flags, 0o600), "r+b")
        try:
            fcntl.flock(file, self._operation)
        except BaseException:
            file.close()
            raise
        self._file = file
        return file

    def __exit__(self, *_: object) -> None:
        self._file.close()


def is_locked(path: Path) -> bool:
    """True if a process holds a lock that isn't shared. Creates no file. A file that can't be opened is not locked."""
    if not IS_POSIX:
        return False  # No server runs here.
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def may_hold(pid: int, path: Path) -> bool:
    """False if it is certain that the process does not have the file open, so it can't hold a lock on it.

    It is certain only where the system shows the files of processes, and shows those of this one.
    """
    descriptors = Path(f"/proc/{pid}/fd")
    if not Path("/proc/self/fd").exists():
        return True
    try:
        return any(_is_same(path, descriptor) for descriptor in descriptors.iterdir())
    except PermissionError:
        return True
    except FileNotFoundError:
        return False


def _is_same(path: Path, descriptor: Path) -> bool:
    try:
        return path.samefile(descriptor)
    except OSError:
        return False
