"""A call as a file for tests: a cassette of VCR.py, which answers in the place of the server."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from moorage.console.calls import Refused
from moorage.console.requests.har import headers_of, phrase_of, url_of
from moorage.console.requests.kept import asked, kept_body, kept_text, left_out
from moorage.console.saving import saved
from moorage.console.visit import Visit

_FORM = 1  # The version of the form of cassettes.


async def save(visit: Visit) -> Response:
    call = await asked(visit)
    if call["status"] is None:
        raise Refused(404, "answer_missing", "This call got no answer.", "Save one that was answered.")
    content = msgspec.json.format(msgspec.json.encode(_cassette(call, visit.base_url)), indent=2)
    return saved(content, f"call-{call['request_id']}.json", "application/json")


def _cassette(call: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    answer = kept_body(call, "answer")
    interaction = {
        "request": {
            "method": call["method"],
            "uri": url_of(call, base_url),
            "headers": {name: [value] for name, value in headers_of(call).items()},
            "body": kept_text(call, "request"),
        },
        "response": {
            "status": {"code": call["status"], "message": phrase_of(call["status"])},
            "headers": {"Content-Type": [answer["type"]]} if answer and answer["type"] else {},
            "body": {"string": kept_text(call, "answer") or ""},
        },
    }
    told = {"request_id": call["request_id"], "at": call["at"], "left_out": list(left_out(call))}
    return {"version": _FORM, "interactions": [interaction], "moorage": told}
