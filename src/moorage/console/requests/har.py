"""Calls as a file of the HTTP Archive format (HAR 1.2), which browsers and many tools read.

The log keeps no headers, so an archive has only those that are known otherwise, and never a secret.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from starlette.responses import Response

from moorage import __version__
from moorage.console.requests.kept import asked, kept_body
from moorage.console.saving import saved
from moorage.console.visit import Visit

MOST = 500  # Calls of one file.
_AT_ONCE = 100
_MOST_BYTES = 16 * 1024 * 1024  # Of their bodies, about.
_KIND = "application/json"
_UNKNOWN = "x-unknown"  # A type that is not known, as browsers write it.


async def save_one(visit: Visit) -> Response:
    call = await asked(visit)
    return _saved(_archive([call], visit.base_url), f"call-{call['request_id']}")


async def save_list(visit: Visit) -> Response:
    """The newest calls that fit the query of the list, from its page on."""
    calls, is_all = await _listed(visit)
    comment = "" if is_all else f"These are the newest {len(calls)} calls that fit. Older ones are left out."
    return _saved(_archive(calls, visit.base_url, comment), "calls")


async def _listed(visit: Visit) -> tuple[list[dict[str, Any]], bool]:
    """The calls, and whether they are all that fit."""
    query = {"q": visit.query.get("q", "").strip(), "limit": _AT_ONCE}
    bodies = {"bodies": "true"} if visit.may("requests:bodies") else {}
    calls, held, cursor = list[dict[str, Any]](), 0, visit.query.get("cursor", "")
    while True:
        answer = await visit.control("GET", "/requests", {**query, **bodies, "cursor": cursor})
        calls += answer.document["requests"]
        held, cursor = held + len(answer.body), answer.document["next_cursor"]
        if cursor is None or len(calls) >= MOST or held >= _MOST_BYTES:
            return calls[:MOST], cursor is None


def _saved(archive: Mapping[str, Any], name: str) -> Response:
    return saved(msgspec.json.format(msgspec.json.encode(archive), indent=2), f"{name}.har", _KIND)


def _archive(calls: Sequence[Mapping[str, Any]], base_url: str, comment: str = "") -> dict[str, Any]:
    log = {
        "version": "1.2",
        "creator": {"name": "Moorage", "version": __version__},
        # The oldest first, as they came.
        "entries": [_entry(call, base_url) for call in reversed(calls)],
        "comment": comment,
    }
    return {"log": log}


def _entry(call: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    app = min(call["app_ms"] or 0.0, call["duration_ms"])
    return {
        "startedDateTime": call["at"],
        "time": call["duration_ms"],
        "request": _request(call, base_url),
        "response": _response(call),
        "cache": {},
        "timings": {
            "blocked": round(call["duration_ms"] - app, 3),
            "send": 0,
            "wait": app,
            "receive": 0,
            "comment": "blocked is the time in Moorage, wait that until the app's answer began",
        },
        "_moorage": {
            "request_id": call["request_id"],
            "key": call["key"]["name"],
            **{name: call[name] for name in ("app", "environment", "operation", "source", "sent", "error")},
        },
    }


def _request(call: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    body = kept_body(call, "request")
    request = {
        "method": call["method"],
        "url": url_of(call, base_url),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers_of(call).items()],
        "queryString": [
            {"name": unquote_plus(name), "value": unquote_plus(value)}
            for name, _, value in (part.partition("=") for part in (call["query"] or "").split("&") if part)
        ],
        "headersSize": -1,
        "bodySize": call["bytes_in"],
    }
    if body is not None:
        request["postData"] = {"mimeType": body["type"] or _UNKNOWN, "text": body["text"] or ""} | _missing(
            body
        )
    return request


def _response(call: Mapping[str, Any]) -> dict[str, Any]:
    body = kept_body(call, "answer")
    content: dict[str, Any] = {"size": call["bytes_out"], "mimeType": (body and body["type"]) or _UNKNOWN}
    if body is not None:
        content |= ({} if body["text"] is None else {"text": body["text"]}) | _missing(body)
    return {
        "status": call["status"] or 0,
        "statusText": phrase_of(call["status"]),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Content-Type", "value": body["type"]}] if body and body["type"] else [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": call["bytes_out"],
    }


def _missing(body: Mapping[str, Any]) -> dict[str, str]:
    return {"comment": f"not all of it is kept: {body['why']}"} if body["why"] else {}


def url_of(call: Mapping[str, Any], base_url: str) -> str:
    """The address that was called. An asterisk stands in it for a value that the log does not keep."""
    return f"{base_url}/{call['app']}{call['path']}" + (f"?{call['query']}" if call["query"] else "")


def headers_of(call: Mapping[str, Any]) -> dict[str, str]:
    """The headers of the request that are known: the connection, and the type of the body."""
    connection, body = call["connection"], kept_body(call, "request")
    headers = {"Maton-Connection": connection["alias"] or connection["id"]} if connection else {}
    return headers | ({"Content-Type": body["type"]} if body and body["type"] else {})


def phrase_of(status: int | None) -> str:
    """The words that go with a status, such as `Not Found`."""
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return ""
