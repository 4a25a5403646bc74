"""Trouble with the disk or with a file, as the CRM tells it: in Zoho's shape, in that of OAuth, or as a page."""

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
    """The answer to a call of `path` that met trouble, which is logged; None for an error that is about something
    else. All are 503: the call can be repeated once the operator has mended what it names."""
    found = _found(error)
    if found is None:
        return None
    kind = "damaged" if isinstance(found, OrganisationDamaged) else found.kind
    log_trouble(WHAT if isinstance(found, DatabaseUnusable) else found.message, kind, found)
    _, path = split(path)
    if path == PATH.encode():
        return failed("ERROR_temporarily_unavailable", f"{found.message} {found.help or ''}", 503)
    if path == b"/" or path.startswith(b"/oauth/"):
        # RFC 6749 has this code for the page alone; the token endpoint's list has none for what passes.
        document = {"error": "temporarily_unavailable", "error_description": found.message}
        refused = answer(document, 503)
    else:
        refused = fault_answer(unavailable(kind, found.message))
    again = [(b"retry-after", b"2")] if kind == "busy" else []
    return with_headers(refused, *again)


def spool_trouble(error: OSError) -> DatabaseUnusable:
    """What is told of a long body that could not be kept on the disk; it is logged, too."""
    trouble = unusable(_SPOOL, error)
    log_trouble(_SPOOL, trouble.kind, trouble)
    return trouble


def _found(error: Exception) -> DatabaseUnusable | OrganisationDamaged | None:
    if isinstance(error, DatabaseUnusable | OrganisationDamaged):
        return error
    return unusable(WHAT, error) if isinstance(error, OSError) and trouble_of(error) is not None else None
