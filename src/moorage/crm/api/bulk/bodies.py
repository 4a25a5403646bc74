"""What the bodies of bulk jobs have in common."""

import re
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.jobs.model import Callback
from moorage.crm.wire.call import Call
from moorage.crm.wire.members import require_small

MAX_BODY = 1024 * 1024  # Bytes.
MAX_URL = 2000
_ADDRESS = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?", re.IGNORECASE)


async def json_object(call: Call) -> dict[str, Any]:
    """The body. Raises the Fault for one that is empty, no JSON, or no object."""
    text = await call.request.whole()
    if not text.strip():
        raise Fault(400, "REQUEST_BODY_IS_EMPTY", "The request body is empty.")
    require_small(text)
    try:
        body = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise Fault(400, "REQUEST_BODY_NOT_READABLE", "The request body is not readable as JSON.") from None
    if not isinstance(body, dict):
        details = {"expected_data_type": "jsonobject"}
        raise Fault(400, "REQUEST_BODY_NOT_SUPPORTED", "The request body has to be an object.", details)
    return body


def callback_of(body: dict[str, Any]) -> Callback | None:
    """Who is to be told of the end. Raises the Fault of an address to which nothing can be posted."""
    value = body.get("callback")
    if value is None:
        return None
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(url, str) or len(url) > MAX_URL or not _ADDRESS.fullmatch(url):
        raise Fault(
            400, "INVALID_CALLBACK_URL", "The address of the callback is no address.", {"api_name": "url"}
        )
    method = value.get("method", "post")
    if not isinstance(method, str) or method.lower() != "post":
        details = {"supported_callback_methods": ["post"]}
        raise Fault(400, "INVALID_CALLBACK_METHOD", "The method of a callback is post.", details)
    return Callback(url, method)


def not_found(job: str) -> Fault:
    return Fault(404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", {"resource": job})
