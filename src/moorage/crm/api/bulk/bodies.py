"""What the bodies of bulk jobs have in common."""

from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.wire.call import Call

MAX_BODY = 1024 * 1024  # Bytes.


async def json_object(call: Call) -> dict[str, Any]:
    """The body. Raises the Fault for one that is empty, no JSON, or no object."""
    text = await call.request.whole()
    if not text.strip():
        raise Fault(400, "REQUEST_BODY_IS_EMPTY", "The request body is empty.")
    try:
        body = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise Fault(400, "REQUEST_BODY_NOT_READABLE", "The request body is not readable as JSON.") from None
    if not isinstance(body, dict):
        details = {"expected_data_type": "jsonobject"}
        raise Fault(400, "REQUEST_BODY_NOT_SUPPORTED", "The request body has to be an object.", details)
    return body


def not_found(job: str) -> Fault:
    return Fault(404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", {"resource": job})
