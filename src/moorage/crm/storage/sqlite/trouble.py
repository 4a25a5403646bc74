"""Errors of the CRM's databases, with their cause and what to do."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from moorage.storage.errors import DatabaseUnusable
from moorage.storage.readiness import fault_of_file
from moorage.storage.trouble import DAMAGED, log_trouble, trouble_of, unusable

_STEPS = 100_000  # Instructions of SQLite between two checks of the time.


@contextlib.contextmanager
def crm_databases() -> Iterator[None]:
    """Say of the CRM's databases what `storage` says of the control database. Raises DatabaseUnusable."""
    what = "The embedded CRM's databases"
    try:
        yield
    except (apsw.Error, OSError, UnicodeDecodeError) as error:
        trouble = trouble_with(what, error)
        if trouble is None:
            raise
        log_trouble(what, trouble.kind, trouble)
        raise trouble from error


def trouble_with(what: str, error: Exception) -> DatabaseUnusable | None:
    """What an error says of the CRM's database that is called `what`, None for one that is about something else.

    What was overwritten within a page, SQLite gives as text that is none.
    """
    if isinstance(error, UnicodeDecodeError) and _comes_from_a_database(error):
        reason = f"{what} can't be used: {DAMAGED.cause} ({error})."
        return DatabaseUnusable(reason, help=DAMAGED.fix, kind=DAMAGED.kind)
    return unusable(what, error) if trouble_of(error) is not None else None


def _comes_from_a_database(error: Exception) -> bool:
    """Whether a module that asks SQLite raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "apsw" in trace.tb_frame.f_globals


def complaint(path: Path, seconds: float | None = None) -> str | None:
    """What `storage` says of a file, of one of the CRM's. Raises DatabaseUnusable as it does.

    Of them only this SQLite may have any open: Python's own is another in the same process, and when it closes a file
    the system drops this one's locks. Whoever uses the file next then believes itself alone, and removes its log.
    """
    try:
        with contextlib.closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)) as connection:
            if seconds is not None:
                end = time.monotonic() + seconds
                connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
            said = str(connection.execute("PRAGMA quick_check(1)").get)
    except apsw.InterruptError:
        return None
    except apsw.Error as error:
        return fault_of_file(path, error)
    return None if said == "ok" else " ".join(said.split())
