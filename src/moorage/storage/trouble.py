"""What is wrong with a disk or a database on it, told apart, whichever library noticed it.

SQLite's result codes are the same in all its bindings (https://sqlite.org/rescode.html): `sqlite3` gives them as
`sqlite_errorcode`, apsw as `extendedresult`, and SQLAlchemy's errors carry the driver's as `orig`.
"""

import errno
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable

LITTLE_ROOM = 256 * 1024  # Bytes: with less than this, a disk is as good as full to a database's log.
FEW_PIPES = 2  # Each takes two descriptors, and a database with its log takes three or four.
TOLD_EVERY = 60.0  # Seconds between two log lines about trouble of one kind at one place.
MOST_TOLD = 1000  # Places and kinds that are remembered for that.

log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """`kind` is one of the words below, `fix` what an operator can do."""

    kind: str
    cause: str
    fix: str


FULL = Trouble(
    "full",
    "its disk has no room left",
    "Make room on its disk. Nothing that was acknowledged is lost, and Moorage goes on by itself once there is room.",
)
READ_ONLY = Trouble(
    "read_only",
    "it is read-only",
    "See whether its disk was mounted read-only, as happens after errors, and whether this user may write there.",
)
BUSY = Trouble(
    "busy",
    "another program holds it locked",
    "See what holds it, such as a backup or a shell of SQLite, and let that end. Then the call can be repeated.",
)
IO = Trouble(
    "io",
    "its disk fails",
    "Read the system's log about that disk. Moorage goes on by itself once the disk works again.",
)
UNOPENABLE = Trouble(
    "unopenable",
    "it can't be opened",
    "See that its folder is there, and that this user may read and write it.",
)
NO_DESCRIPTORS = Trouble(
    "descriptors",
    "no file descriptors are left",
    "Raise the limit of open files (ulimit -n), or let a proxy in front limit connections. Moorage goes on by itself"
    " once some are free.",
)
DAMAGED = Trouble(
    "damaged",
    "it is damaged, or no database of this version",
    "Stop the server, keep the file aside, and put back a good copy of it.",
)

_OF_CODE = {
    3: READ_ONLY,  # PERM
    5: BUSY,
    6: BUSY,  # LOCKED
    8: READ_ONLY,
    10: IO,
    11: DAMAGED,  # CORRUPT
    13: FULL,
    14: UNOPENABLE,
    15: BUSY,  # PROTOCOL: too many tried to lock it at once.
    23: READ_ONLY,  # AUTH
    26: DAMAGED,  # NOTADB
}
_NO_ROOM_FOR_SHARED_MEMORY = 10 | 19 << 8  # IOERR_SHMSIZE: the file beside the log could not grow.
_OF_ERRNO = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EIO: IO,
    errno.EMFILE: NO_DESCRIPTORS,
    errno.ENFILE: NO_DESCRIPTORS,  # Of the whole machine.
}


def trouble_of(error: BaseException, path: Path | None = None) -> Trouble | None:
    """What an error says of the disk, None for one that is about something else.

    What SQLite takes for an error of the disk may be want of descriptors; with the `path` of the database it is seen,
    too, whether it is want of room.
    """
    found = _from_code(error)
    if found in {IO, UNOPENABLE}:
        return _seen_from_outside(path) or found
    return found


def _from_code(error: BaseException) -> Trouble | None:
    cause = getattr(error, "orig", None) or error  # What SQLAlchemy wrapped.
    code = getattr(cause, "sqlite_errorcode", None) or getattr(cause, "extendedresult", None)
    if isinstance(code, int):
        if code == _NO_ROOM_FOR_SHARED_MEMORY:
            return FULL
        # A table or a column that every file of this version has; JSON that was written as that.
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
    """Whether fewer are left than it takes to open a database."""
    taken: list[int] = []
    try:
        for _ in range(FEW_PIPES):
            taken += os.pipe()
    except OSError:
        return True
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return False


def unusable(what: str, error: BaseException, path: Path | None = None) -> DatabaseUnusable:
    """The error that tells a caller; `what` names the database, as in "The control database"."""
    trouble = trouble_of(error, path)
    if trouble is None:
        return DatabaseUnusable(
            f"{what} can't be used: {_said(error)}.",
            help="See that its disk has room and works, and that nothing else holds it.",
        )
    reason = _said(error)
    if isinstance(error, OSError):
        reason = error.strerror or reason
    return DatabaseUnusable(
        f"{what} can't be used: {trouble.cause} ({reason}).", help=trouble.fix, kind=trouble.kind
    )


def _said(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).rstrip(".")


_told: dict[tuple[str, str], float] = {}
_telling = threading.Lock()


def tell(what: str, kind: str, error: MoorageError) -> None:
    """Log trouble: one line a minute for each kind and place, however many calls meet it."""
    now, key = time.monotonic(), (what, kind)
    with _telling:
        if now - _told.get(key, -TOLD_EVERY) < TOLD_EVERY:
            return
        if len(_told) >= MOST_TOLD:
            _told.clear()
        _told[key] = now
    log.error("storage.trouble", what=what, kind=kind, reason=error.message, advice=error.help)
