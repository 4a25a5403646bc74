"""Files with secrets, such as a key, and others that must never be half written or replaced by mistake."""

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
    known = known_secret(path)
    if known is not None:
        return known
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


def known_secret(path: Path) -> bytes | None:
    """The content of the file; None if it was not created, or not filled."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes() or None
    return None


def replace_file(path: Path, content: bytes) -> None:
    """Give a file this content, for its owner only. Nobody sees a part of it, and a power loss leaves old or new."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)  # A killed process may have left it.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush_folder(path)


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
