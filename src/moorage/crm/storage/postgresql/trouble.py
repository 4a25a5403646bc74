"""Errors of PostgreSQL as the contract has them."""

import contextlib
from collections.abc import Iterator
from typing import TypeAlias

import psycopg
from psycopg import errors

from moorage.crm.storage.contract.records import StoreClosed, TookTooLong
from moorage.storage.trouble import log_trouble, trouble_of, unusable

WHAT = "The embedded CRM's database"

# A prepared statement of the connection reads columns that have other types now: their schema was replaced.
Unprepared: TypeAlias = errors.FeatureNotSupported
# The schema was removed, or replaced by one with fewer tables or columns, or with other types.
_GONE = (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedColumn, Unprepared)
# A statement locks its tables in another order than the removal or the change of a schema, and had to yield to it.
_REMOVED_JUST_NOW = errors.DeadlockDetected


@contextlib.contextmanager
def database_trouble() -> Iterator[None]:
    """Raise errors as `translated` gives them."""
    try:
        yield
    except (psycopg.Error, OSError) as error:
        trouble = translated(error)
        if trouble is error:
            raise
        raise trouble from error


def translated(error: BaseException) -> BaseException:
    """StoreClosed if the organisation is gone, or is removed or changed just now; TookTooLong for a statement that the
    server gave up; DatabaseUnusable for trouble with the server, which is logged. Any other error is given back as it
    is.
    """
    if isinstance(error, (*_GONE, _REMOVED_JUST_NOW)):
        return StoreClosed()
    if isinstance(error, errors.QueryCanceled):
        return TookTooLong()
    if trouble_of(error) is None and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error
    trouble = unusable(WHAT, error)
    log_trouble(WHAT, trouble.kind, trouble)
    return trouble
