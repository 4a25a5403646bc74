"""What the HTTP layer refuses on the CRM's origin, in Zoho's words: no request of these reaches the door."""

from moorage.crm.faults import Fault, internal, invalid_method, invalid_url, unavailable
from moorage.crm.wire.call import fault_answer, with_headers
from moorage.errors import MoorageError
from moorage.http.errors import STATUS, TooBusy
from moorage.http.message import Response
from moorage.storage.errors import DatabaseUnusable


def refusal(error: MoorageError, request_id: str) -> Response:
    """The answer to a request that could not be read, or was too large to be."""
    again = [(b"retry-after", b"%d" % TooBusy.retry_after)] if error.code == "too_busy" else []
    return with_headers(fault_answer(_fault(error)), (b"x-request-id", request_id.encode()), *again)


def _fault(error: MoorageError) -> Fault:
    if error.code == "path_invalid":
        return invalid_url()
    if error.code == "method_not_allowed":
        return invalid_method()
    if error.code == "body_too_large":
        return Fault(413, "BODY_SIZE_REACHED", error.message)
    if error.code == "too_busy":
        return Fault(503, "SERVICE_UNAVAILABLE", error.message)
    if isinstance(error, DatabaseUnusable):  # A long body could not be put on the disk.
        return unavailable(error.kind, error.message)
    status = STATUS.get(error.code, 500)
    # Zoho's own sentence for this code tells nobody what was wrong with the bytes; ours does.
    return Fault(status, "INVALID_REQUEST", error.message) if status < 500 else internal()
