"""Files with secrets, such as a key. They must never be half written or replaced by mistake."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from moorage.locks import FileLock


def kept_secret(
    path: Path, make: Callable[[], bytes], *, is_lost: Callable[[], bool] = lambda: False
) -> bytes:
    """The content of the file. The first caller creates it, for its owner only. All callers get the same content.

    If the file is missing, and `is_lost` says that data needs the old content, it is not created: raises SecretMissing.
    """
    with contextlib.suppress(FileNotFoundError):
        if content := path.read_bytes():
            return content
    with FileLock(path) as file:
        # Another process may have created the file, and may be about to fill it, or may have ended before that.
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
    """A secret is missing, such as a file, but data need the one that was there. `where` it was is for messages."""

    def __init__(self, where: object) -> None:
        super().__init__(f"{where} is missing or empty")


def flush_folder(path: Path) -> None:
    """Write the folder of a file to disk, so that the file's new name survives a power loss."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
