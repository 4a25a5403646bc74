"""All operations of an app that a connection leads to, and a form that makes a call of any of them."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from moorage.console.calls import Answer, Refused
from moorage.console.places import name_of, places, require_confirmed
from moorage.console.query.curl import curl_of
from moorage.console.visit import VALUES, Page, Shown, Visit, get, post

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_READS = frozenset({"GET"})
_PATH = re.compile(r"/[!-~]{0,2000}")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
LONGEST_SHOWN = 200_000  # Characters of an answer.
_LISTED = 60


async def operations(visit: Visit) -> Shown:
    """The operations that the app itself lists, with what they cost."""
    where = await places(visit)
    asked = visit.query.get("find", "").strip()
    values = {**where.document(), "find": asked, "operations": [], "count": 0}
    if where.chosen is None:
        return Shown("explorer.html", values)
    answer = await visit.app(name_of(where.chosen), "GET", "/crm/v8/__apis")
    found = [
        {
            "path": entry["path"],
            "method": kind["method"],
            "scope": kind["oauth_scope"],
            "credits": kind["max_credits"],
        }
        for entry in answer.document["__apis"]
        for kind in entry["operation_types"]
    ]
    words = asked.casefold().split()
    matching = [entry for entry in found if all(word in _words_of(entry) for word in words)]
    return Shown("explorer.html", {**values, "operations": matching[:_LISTED], "count": len(matching)})


def _words_of(operation: Mapping[str, Any]) -> str:
    return f"{operation['method']} {operation['path']} {operation['scope']}".casefold()


async def form(visit: Visit) -> Shown:
    """The form of a call, filled with what the address says."""
    where = await places(visit)
    call = {name: visit.query.get(name, "") for name in ("method", "path", "query", "body")}
    call["method"] = call["method"] or "GET"
    return _form(where.document(), call)


def _form(values: Mapping[str, Any], call: Mapping[str, str], status: int = 200, **more: Any) -> Shown:
    shown = {"fault": None, "answer": None, "curl": None} | more
    missing = _PLACEHOLDER.findall(call["path"])
    return Shown(
        "call.html", {**values, "call": call, "methods": METHODS, "missing": missing, **shown}, status
    )


async def send(visit: Visit) -> Shown:
    """Make the call of the form."""
    where = await places(visit)
    call = {name: visit.form.get(name, "") for name in ("method", "path", "query", "body")}
    if where.chosen is None:
        raise Refused(404, "connection_missing", "There is no active connection.")
    try:
        body = _body_of(call)
        is_read = call["method"] in _READS or call["path"].endswith("/coql")
        if not is_read:
            require_confirmed(visit, where.chosen)
    except Refused as refused:
        return _form(where.document(), call, refused.status, fault=_told(refused))
    answer = await visit.app(
        name_of(where.chosen),
        call["method"],
        call["path"],
        dict(parse_qsl(call["query"], keep_blank_values=True)),
        body,
        writes=not is_read,
        keeps_errors=True,
    )
    return _form(where.document(), call, answer=_shown(answer), curl=curl_of(visit, where.chosen, call))


def _told(refused: Refused) -> dict[str, str]:
    return {"code": refused.code, "message": refused.message, "help": refused.help}


def _body_of(call: Mapping[str, str]) -> bytes | Any:
    """The body of a call. Raises Refused for a call that can't be made."""
    if call["method"] not in METHODS:
        raise Refused(400, "method_invalid", f"The method has to be one of {', '.join(METHODS)}.")
    if _PATH.fullmatch(call["path"]) is None:
        message = "The path begins with / and has no spaces, as /crm/v8/Leads."
        raise Refused(400, "path_invalid", message, "Encode other characters, as %20 for a space.")
    left = _PLACEHOLDER.search(call["path"])
    if left is not None:
        raise Refused(400, "path_invalid", f"The path still has {left[0]}.", "Write a value in its place.")
    if not call["body"].strip():
        return None
    try:
        return json.loads(call["body"])
    except (ValueError, RecursionError) as error:
        raise Refused(
            400, "body_invalid", f"The body is not JSON: {error}.", "Leave it empty for none."
        ) from None


def _shown(answer: Answer) -> dict[str, Any]:
    document = answer.document
    try:
        text = (
            answer.body.decode() if document is None else json.dumps(document, ensure_ascii=False, indent=2)
        )
    except UnicodeDecodeError:
        text = f"The body has {len(answer.body):,} bytes that are no text."
    text = text.encode("utf-8", "replace").decode()
    return {
        "status": answer.status,
        "headers": dict(answer.headers),
        "text": text[:LONGEST_SHOWN],
        "is_cut": len(text) > LONGEST_SHOWN,
    }


PAGES: tuple[Page, ...] = (
    get("/query/operations", operations, VALUES),
    get("/query/call", form, VALUES),
    post("/query/call", send, VALUES),
)
