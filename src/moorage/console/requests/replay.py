"""Makes a call of the log again, with changes, in an organisation of the embedded CRM. Nothing outside can change."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from moorage.console.calls import Answer, Refused
from moorage.console.requests.kept import asked, kept_body, kept_text
from moorage.console.visit import Shown, Visit

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LONGEST_SHOWN = 200_000  # Characters of an answer.
_PATH, _QUERY = "/%:@!$&'()*+,;=-._~", "/%:@!$&'()*+,;=-._~?{}\""
_LONGEST = 8000


async def show(visit: Visit) -> Shown:
    call = await asked(visit)
    method = call["method"] if call["method"] in METHODS else "GET"
    form = {
        "connection": (call["connection"] or {}).get("id", ""),
        "method": method,
        "path": call["path"],
        "query": call["query"] or "",
        "body": kept_text(call, "request") or "",
    }
    return await _page(visit, call, form)


async def send(visit: Visit) -> Shown:
    call = await asked(visit)
    form = {name: visit.form.get(name, "") for name in ("connection", "method", "path", "query", "body")}
    fault = _fault(form)
    if fault is not None:
        return await _page(visit, call, form, fault=fault)
    try:
        await _require_embedded(visit, form["connection"])
        answer = await _sent(visit, call, form)
    except Refused as refused:
        return await _page(visit, call, form, fault={"field": "connection", "message": refused.message})
    return await _page(visit, call, form, answer=_shown(answer))


def _fault(form: Mapping[str, str]) -> dict[str, str] | None:
    if form["method"] not in METHODS:
        return {"field": "method", "message": f"The method is one of {', '.join(METHODS)}."}
    if not form["path"].startswith("/") or len(form["path"]) + len(form["query"]) > _LONGEST:
        return {
            "field": "path",
            "message": f"The path begins with / and has at most {_LONGEST:,} characters.",
        }
    if form["body"]:
        try:
            json.loads(form["body"])
        except (ValueError, RecursionError) as error:
            return {"field": "body", "message": f"The body is not JSON: {error}."}
    return None


async def _require_embedded(visit: Visit, connection: str) -> None:
    """Raises Refused for every connection that leads outside, and for one that is not there."""
    found = await visit.control("GET", f"/connections/{quote(connection, safe='')}")
    if found.document["connection"]["environment"] != "embedded":
        raise Refused(
            403, "connection_refused", "This connection leads outside, so nothing is sent through it."
        )


async def _sent(visit: Visit, call: Mapping[str, Any], form: Mapping[str, str]) -> Answer:
    path = quote(form["path"], safe=_PATH, errors="replace")
    query = quote(form["query"].removeprefix("?"), safe=_QUERY, errors="replace")
    body = form["body"].encode("utf-8", "replace") or None
    return await visit.app(
        form["connection"],
        form["method"],
        f"{path}?{query}" if query else path,
        body=body,
        headers={"Content-Type": "application/json"} if body else None,
        app=call["app"],
        writes=visit.may_write,
        keeps_errors=True,
    )


def _shown(answer: Answer) -> dict[str, Any]:
    text = answer.body[: LONGEST_SHOWN * 4].decode("utf-8", "replace")
    document = answer.document if len(text) <= LONGEST_SHOWN else None
    return {
        "status": answer.status,
        "document": document,
        "text": None if document is not None else text[:LONGEST_SHOWN],
        "request_id": answer.headers.get("x-request-id"),
    }


async def _page(
    visit: Visit,
    call: Mapping[str, Any],
    form: Mapping[str, str],
    fault: Mapping[str, str] | None = None,
    answer: Mapping[str, Any] | None = None,
) -> Shown:
    if not visit.sees_values:
        raise Refused(
            403, "scope_missing", f"Your role, {visit.person.role}, may call no app.", "Ask an owner."
        )
    listed = await visit.control("GET", "/connections", {"app": call["app"], "limit": 100})
    inside = [one for one in listed.document["connections"] if one["environment"] == "embedded"]
    values = {
        "request": call,
        "connections": [
            {"id": one["connection_id"], "alias": one["alias"], "name": one["metadata"].get("organisation")}
            for one in inside
        ],
        "methods": METHODS,
        "typed": form,
        "fault": fault,
        "answer": answer,
        "first": kept_body(call, "answer"),
        "lacks_body": bool(call["bytes_in"]) and kept_text(call, "request") is None,
        "may_write": visit.may_write,
    }
    return Shown("replay.html", values, 422 if fault else 200)
