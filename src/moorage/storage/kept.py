"""Files that must not be lost or half written, such as that of a key."""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def kept_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file holds. It is made at first use, for its owner only; all who come at once get the same."""
    with contextlib.suppress(FileNotFoundError):
        if content := path.read_bytes():
            return content
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        # Whoever made the file may not have filled it yet, or may have ended before it did.
        fcntl.flock(file, fcntl.LOCK_EX)
        content = file.read()
        if not content:
            content = make()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return content


def flush_folder(path: Path) -> None:
    """Let a file's new name survive a power loss as its content does."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
