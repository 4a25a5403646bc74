"""Files that must not be lost or half written, such as that of a key."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from moorage.locks import FileLock


def kept_secret(
    path: Path, make: Callable[[], bytes], *, is_lost: Callable[[], bool] = lambda: False
) -> bytes:
    """What the file holds. It is made at first use, for its owner only; all who come at once get the same.

    Where there is none and what depended on it `is_lost` without it, no other is made: raises SecretMissing.
    """
    with contextlib.suppress(FileNotFoundError):
        if content := path.read_bytes():
            return content
    with FileLock(path) as file:
        # Whoever made the file may not have filled it yet, or may have ended before it did.
        content = file.read()
        if not content:
            if is_lost():
                raise SecretMissing(path)
            content = make()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return content


class SecretMissing(Exception):
    """`path` held a secret once that other files need, and is gone or empty."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing or empty")
        self.path = path


def flush_folder(path: Path) -> None:
    """Let a file's new name survive a power loss as its content does."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
