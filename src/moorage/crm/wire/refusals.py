"""The refusals of the HTTP layer on the CRM's origin, in Zoho's shape. The door never sees these requests."""

from moorage.crm.faults import Fault, internal, invalid_method, invalid_url, unavailable
from moorage.crm.wire.call import fault_answer, with_headers
from moorage.errors import MoorageError
from moorage.http.errors import STATUS, TooBusy
from moorage.http.message import Response
from moorage.storage.errors import DatabaseUnusable


def refusal(error: MoorageError, request_id: str) -> Response:
    """The answer to a request that could not be read, or was too large."""
    retry_after = [(b"retry-after", b"%d" % TooBusy.retry_after)] if error.code == "too_busy" else []
    return with_headers(fault_answer(_fault(error)), (b"x-request-id", request_id.encode()), *retry_after)


def _fault(error: MoorageError) -> Fault:
    if error.code == "path_invalid":
        return invalid_url()
    if error.code == "method_not_allowed":
        return invalid_method()
    if error.code == "body_too_large":
        return Fault(413, "BODY_SIZE_REACHED", error.message)
    if error.code == "too_busy":
        return Fault(503, "SERVICE_UNAVAILABLE", error.message)
    if isinstance(error, DatabaseUnusable):  # A long body could not be written to the disk.
        return unavailable(error.kind, error.message)
    status = STATUS.get(error.code, 500)
    # Zoho's sentence for this code does not say what was wrong with the bytes. Our sentence does.
    return Fault(status, "INVALID_REQUEST", error.message) if status < 500 else internal()
