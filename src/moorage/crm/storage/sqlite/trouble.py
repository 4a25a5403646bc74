"""Errors of an organisation's file, with their cause and what to do."""

import contextlib
from collections.abc import Iterator

import apsw

from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import log_trouble, trouble_of, unusable
from moorage.storage.trouble_kinds import DAMAGED

WHAT = "The embedded CRM's database"


@contextlib.contextmanager
def database_trouble() -> Iterator[None]:
    """Say of an organisation's file what `storage` says of the control database. Raises DatabaseUnusable."""
    try:
        yield
    except (apsw.Error, OSError, UnicodeDecodeError) as error:
        trouble = translated(error)
        if trouble is error:
            raise
        raise trouble from error


def translated(error: BaseException) -> BaseException:
    """The error as DatabaseUnusable, which is logged; the error itself if it is not about the database or its disk.

    If a page was overwritten, SQLite may return text that can't be decoded.
    """
    trouble = _trouble(error)
    if trouble is None:
        return error
    log_trouble(WHAT, trouble.kind, trouble)
    return trouble


def _trouble(error: BaseException) -> DatabaseUnusable | None:
    if isinstance(error, UnicodeDecodeError) and _comes_from_a_database(error):
        reason = f"{WHAT} can't be used: {DAMAGED.cause} ({error})."
        return DatabaseUnusable(reason, help=DAMAGED.fix, kind=DAMAGED.kind)
    if isinstance(error, apsw.Error | OSError) and trouble_of(error) is not None:
        return unusable(WHAT, error)
    return None


def _comes_from_a_database(error: BaseException) -> bool:
    """Whether a module that asks SQLite raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "apsw" in trace.tb_frame.f_globals
