"""Finds the kind of trouble with a database or its disk in the errors of all libraries.

All bindings of SQLite have the same result codes (https://sqlite.org/rescode.html): `sqlite3` as `sqlite_errorcode`,
apsw as `extendedresult`. Errors of PostgreSQL have an SQLSTATE. SQLAlchemy's errors have the driver's error as `orig`.
"""

import contextlib
import errno
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.sqlstates import trouble_of_sqlstate
from moorage.storage.trouble_kinds import (
    BUSY,
    DAMAGED,
    FULL,
    IO,
    NO_DESCRIPTORS,
    READ_ONLY,
    UNOPENABLE,
    Trouble,
)

LITTLE_ROOM = 256 * 1024  # Bytes. With less free space than this, a database can't write its log.
TEST_PIPES = 2  # A pipe takes two descriptors. A database with its log needs three or four.
LOG_SECONDS = 60.0  # The time between two log lines about the same kind of trouble with the same thing.
MAX_LOGGED = 1000  # Things and kinds that are remembered for that.

log = Log(__name__)

_OF_CODE = {
    3: READ_ONLY,  # PERM
    5: BUSY,
    6: BUSY,  # LOCKED
    8: READ_ONLY,
    10: IO,
    11: DAMAGED,  # CORRUPT
    13: FULL,
    14: UNOPENABLE,
    15: BUSY,  # PROTOCOL: too many connections tried to lock it at once.
    23: READ_ONLY,  # AUTH
    26: DAMAGED,  # NOTADB
}
_NO_ROOM_FOR_SHARED_MEMORY = 10 | 19 << 8  # IOERR_SHMSIZE: the `-shm` file could not grow.
_OF_ERRNO = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EIO: IO,
    errno.EMFILE: NO_DESCRIPTORS,
    errno.ENFILE: NO_DESCRIPTORS,  # The limit of the whole machine.
}


def trouble_of(error: BaseException, path: Path | None = None) -> Trouble | None:
    """The trouble that an error shows; None for an error with another cause.

    SQLite reports errors of the disk also if descriptors or free space are missing. So the process is checked for free
    descriptors, and with the `path` of the database also the disk for free space.
    """
    trouble = _from_code(error)
    if trouble in {IO, UNOPENABLE}:
        return _seen_from_outside(path) or trouble
    return trouble


def _from_code(error: BaseException) -> Trouble | None:
    cause = getattr(error, "orig", None) or error  # The driver's error, if SQLAlchemy has wrapped it.
    if type(cause).__module__.partition(".")[0] == "psycopg":
        return trouble_of_sqlstate(cause)
    code = getattr(cause, "sqlite_errorcode", None) or getattr(cause, "extendedresult", None)
    if str(cause).startswith("Could not decode to UTF-8"):
        return DAMAGED  # A page was overwritten.
    if isinstance(code, int):
        if code == _NO_ROOM_FOR_SHARED_MEMORY:
            return FULL
        # Every file of this version has all tables and columns, and its JSON was valid when it was written.
        if code & 0xFF == 1 and str(cause).removeprefix("SQLError: ").startswith(
            ("no such ", "malformed JSON")
        ):
            return DAMAGED
        return _OF_CODE.get(code & 0xFF)
    return _OF_ERRNO.get(cause.errno or 0) if isinstance(cause, OSError) else None


def _seen_from_outside(path: Path | None) -> Trouble | None:
    if _lacks_descriptors():
        return NO_DESCRIPTORS
    if path is None:
        return None
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return None
    if disk.f_flag & os.ST_RDONLY:
        return READ_ONLY
    return FULL if disk.f_bavail * disk.f_frsize < LITTLE_ROOM else None


def _lacks_descriptors() -> bool:
    """True if too few descriptors are left to open a database."""
    descriptors: list[int] = []
    try:
        for _ in range(TEST_PIPES):
            descriptors += os.pipe()
    except OSError:
        return True
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return False


def unusable(what: str, error: BaseException, path: Path | None = None) -> DatabaseUnusable:
    """The error for callers. `what` names the database, as in "The control database"."""
    trouble = trouble_of(error, path)
    if trouble is None:
        return DatabaseUnusable(
            f"{what} can't be used: {_text_of(error)}.",
            help="Check that its disk works and has room, and that no other program has locked it.",
        )
    reason = _text_of(error)
    if isinstance(error, OSError):
        reason = error.strerror or reason
    return DatabaseUnusable(
        f"{what} can't be used: {trouble.cause} ({reason}).",
        help=trouble.fix,
        kind=trouble.kind,
        retry_after=trouble.retry_after,
    )


@contextlib.contextmanager
def disk_trouble(what: str) -> Iterator[None]:
    """Turn errors of the disk into DatabaseUnusable. `what` is the name of the files in errors."""
    try:
        yield
    except OSError as error:
        if trouble_of(error) is None:
            raise
        trouble = unusable(what, error)
        log_trouble(what, trouble.kind, trouble)
        raise trouble from error


def _text_of(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    # The text of PostgreSQL's errors continues with lines that quote the statement.
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    return " ".join(_without_address(primary or str(cause)).split()).rstrip(".")


def _without_address(text: str) -> str:
    """The text of an error of connecting, without host, port and user: probes show it to everybody."""
    first_line = text.partition("\n")[0]
    if _RESOLVING in first_line:
        return f"{_RESOLVING}: {first_line.rpartition(']')[2].strip()}"
    _, connecting, rest = first_line.partition(_CONNECTING)
    return _QUOTED.sub("…", rest.partition(" failed: ")[2]) if connecting else text


_CONNECTING, _RESOLVING = "connection to server ", "failed to resolve host"
_QUOTED = re.compile(r'"[^"]*"')

_logged_at: dict[tuple[str, str], float] = {}
_logging = threading.Lock()


def log_trouble(what: str, kind: str, error: MoorageError) -> None:
    """Log trouble: one line per minute for each `what` and kind, even if many calls fail."""
    now, key = time.monotonic(), (what, kind)
    with _logging:
        if now - _logged_at.get(key, -LOG_SECONDS) < LOG_SECONDS:
            return
        if len(_logged_at) >= MAX_LOGGED:
            _logged_at.clear()
        _logged_at[key] = now
    log.error("storage.trouble", what=what, kind=kind, reason=error.message, advice=error.help)
