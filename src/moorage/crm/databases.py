"""Trouble with the CRM's databases, told as what it is."""

import contextlib
from collections.abc import Iterator

import apsw

from moorage.storage.trouble import tell, trouble_of, unusable


@contextlib.contextmanager
def crm_databases() -> Iterator[None]:
    """Say of the CRM's databases what `storage` says of the control database. Raises DatabaseUnusable."""
    what = "The embedded CRM's databases"
    try:
        yield
    except (apsw.Error, OSError) as error:
        if trouble_of(error) is None:
            raise
        trouble = unusable(what, error)
        tell(what, trouble.kind, trouble)
        raise trouble from error
