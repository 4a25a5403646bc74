"""The log of a server in the background: a file of the data folder, which is renamed when it is long."""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

from moorage.locks import FileLock

LONGEST = 10 * 1024 * 1024  # Bytes. A longer file becomes an older one.
OLDER = 4  # Files that are kept beside the one that is written.
_STANDARD_ERROR = 2


def log_path(home: Path) -> Path:
    return home / "logs" / "server.log"


def log_files(home: Path) -> Sequence[Path]:
    """The files of the log that exist, the newest first."""
    return [file for file in _names(log_path(home)) if file.exists()]


def open_log(path: Path) -> int:
    """A descriptor that adds to the file. A link is refused, because it could lead to any other file."""
    path.parent.mkdir(exist_ok=True, mode=0o700)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)


class LogFile(io.TextIOBase):
    """Takes the place of `sys.stderr` if the descriptor of standard error leads to the file, as `open_log` opened it.

    Several processes share the file. The one that finds it too long renames it. The others find theirs too long, too,
    and open the new one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def _open(self) -> None:
        file = open_log(self._path)
        os.dup2(file, _STANDARD_ERROR)
        os.close(file)

    def write(self, text: str, /) -> int:
        if os.fstat(_STANDARD_ERROR).st_size > LONGEST:
            with contextlib.suppress(OSError):  # A log that can't be renamed is a long one.
                self._begin_another()
        os.write(_STANDARD_ERROR, text.encode(errors="backslashreplace"))
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _STANDARD_ERROR

    def _begin_another(self) -> None:
        with FileLock(self._path.with_suffix(".lock")):
            if self._is_ours():
                for younger, older in reversed(list(pairwise(_names(self._path)))):
                    with contextlib.suppress(FileNotFoundError):
                        younger.replace(older)
            self._open()

    def _is_ours(self) -> bool:
        """False if another process has renamed the file, or somebody has removed it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(_STANDARD_ERROR))
        except FileNotFoundError:
            return False


class LogReader:
    """Reads a log that is written meanwhile, in a `with` block. Raises FileNotFoundError if there is none."""

    def __init__(self, home: Path) -> None:
        self._path = log_path(home)
        self._home = home
        self._file = self._path.open("rb")
        self._begun = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def last(self, count: int) -> list[bytes]:
        """The last whole lines, without their ends."""
        lines = list(self._rest())
        for file in log_files(self._home)[1:]:
            if len(lines) >= count:
                break
            lines = [*file.read_bytes().splitlines(), *lines]
        return lines[len(lines) - min(count, len(lines)) :]

    def more(self) -> Iterator[bytes]:
        """The whole lines that came since the last call."""
        yield from self._rest()
        with contextlib.suppress(FileNotFoundError):
            if not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                new = self._path.open("rb")
                yield from self._rest()  # What was written before it was renamed.
                self._file.close()
                self._file = new
                yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        *whole, self._begun = (self._begun + self._file.read()).split(b"\n")
        yield from whole


def _names(path: Path) -> Sequence[Path]:
    """The files of a log, the newest first."""
    return [path, *(path.with_name(f"{path.name}.{age}") for age in range(1, OLDER + 1))]
