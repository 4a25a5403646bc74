"""API keys that this user has stored for agents, each in a file that only this user can read.

A configuration names such a key, and never holds it: it may be committed, or shown to a model.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from moorage.cli.failures import UsageError
from moorage.settings import read_secret, reason

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def own_folder(name: str) -> Path:
    """The folder in which programs of this user keep their configuration, each in one with its name."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / name
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / name
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / name


def file_of(name: str) -> Path:
    """The file of a key. Raises UsageError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--key {name[:64]!r} is not the name of a stored key",
            help="A name has letters, digits, - and _, up to 64 of them.",
        )
    return own_folder("moorage") / "keys" / name


def read(name: str) -> str:
    """The secret of a stored key. Raises UsageError."""
    file = file_of(name)
    try:
        return read_secret(str(file))
    except FileNotFoundError:
        raise UsageError(
            f"No key is stored as {name}",
            help=f"`moorage mcp install --key {name}` makes one, or write one that you have into {file}.",
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: {reason(error)}") from error


def store(name: str, make: Callable[[], str]) -> Path:
    """Make a key and keep its secret. Raises FileExistsError: a stored key is never overwritten, nor made again."""
    file = file_of(name)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The file comes first, so that no key is made that can't be kept.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        try:
            stream.write(f"{make()}\n")
        except BaseException:
            file.unlink()
            raise
    return file
