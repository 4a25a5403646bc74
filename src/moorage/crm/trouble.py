"""How the CRM answers if a disk or a file is in trouble: in Zoho's shape, in the shape of OAuth, or as a page."""

import math

from moorage.crm.accounts.consent import PATH, failed
from moorage.crm.centres import split
from moorage.crm.errors import OrganisationDamaged
from moorage.crm.faults import unavailable
from moorage.crm.wire.call import answer, fault_answer, with_headers
from moorage.http.message import Response
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import log_trouble, trouble_of, unusable

WHAT = "The embedded CRM's database"
_SPOOL = "The folder for long bodies"


def trouble_answer(error: Exception, path: bytes) -> Response | None:
    """The answer to a call of `path` that failed because of a disk or a file; None for any other error.

    The trouble is logged. The status is 503: the call can be repeated after the operator has repaired what it names.
    """
    trouble = _trouble(error)
    if trouble is None:
        return None
    kind = "damaged" if isinstance(trouble, OrganisationDamaged) else trouble.kind
    log_trouble(WHAT if isinstance(trouble, DatabaseUnusable) else trouble.message, kind, trouble)
    _, path = split(path)
    if path == PATH.encode():
        return failed("ERROR_temporarily_unavailable", f"{trouble.message} {trouble.help or ''}", 503)
    if path == b"/" or path.startswith(b"/oauth/"):
        # RFC 6749 has this code for the authorization page only. For the token endpoint it has no code that fits.
        document = {"error": "temporarily_unavailable", "error_description": trouble.message}
        response = answer(document, 503)
    else:
        response = fault_answer(unavailable(kind, trouble.message))
    retry_after = getattr(trouble, "retry_after", None)
    if retry_after is None:
        return response
    return with_headers(response, (b"retry-after", b"%d" % math.ceil(retry_after)))


def spool_trouble(error: OSError) -> DatabaseUnusable:
    """The error for a long body that could not be written to the disk. It is logged, too."""
    trouble = unusable(_SPOOL, error)
    log_trouble(_SPOOL, trouble.kind, trouble)
    return trouble


def _trouble(error: Exception) -> DatabaseUnusable | OrganisationDamaged | None:
    if isinstance(error, DatabaseUnusable | OrganisationDamaged):
        return error
    return unusable(WHAT, error) if isinstance(error, OSError) and trouble_of(error) is not None else None
