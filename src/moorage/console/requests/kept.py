"""One call of the log, and what is kept of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.console.visit import Visit


async def asked(visit: Visit) -> dict[str, Any]:
    """The call that the page is about, with its bodies if the person may see them."""
    query = {"bodies": "true"} if visit.may("requests:bodies") else None
    path = f"/requests/{visit.segment('request_id')}"
    found: dict[str, Any] = (await visit.control("GET", path, query)).document["request"]
    return found


def kept_body(call: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The body of the call's `request` or `answer`, as far as it is kept and the person may see it."""
    body: Mapping[str, Any] | None = (call.get("bodies") or {}).get(name)
    return body


def kept_text(call: Mapping[str, Any], name: str) -> str | None:
    """What is kept of a body of the call, if anything is."""
    body = kept_body(call, name)
    return None if body is None else body["text"]


def left_out(call: Mapping[str, Any]) -> Iterator[str]:
    """What a file with the call has not, in words."""
    if "*" in f"{call['path']}{call['query']}":
        yield "values in the address, for which an asterisk stands"
    for name, size in (("request", call["bytes_in"]), ("answer", call["bytes_out"])):
        body = kept_body(call, name)
        if size and (body is None or body["text"] is None):
            yield f"the body of the {name}"
        elif body is not None and body["why"]:
            yield f"the end of the body of the {name}"
