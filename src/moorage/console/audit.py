"""Who changed what: the list, one entry with what it changed, whether the chain is whole, and all of it as a file."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response, StreamingResponse

from moorage.console.calls import Refused
from moorage.console.visit import Page, Shown, Visit, get
from moorage.web.pages import named_headers

FILTERS = ("actor", "action", "subject", "since", "until")
LIMIT = 50
# Entries whose chain every visit of the list looks at.
LOOKED_AT = 100
_EXPORTED_AT_ONCE = 500
# Where the subjects of actions have pages, by the first word of the action.
_SECTIONS = {
    "approval": "approvals",
    "connection": "connections",
    "key": "keys",
    "policy": "keys",
    "organisation": "lab",
    "person": "people",
}

# Its subject is what was allowed for an hour, which has no page of its own.
_OF_GRANT = "approval.grant_ended"


async def show(visit: Visit) -> Shown:
    asked, cursor = _asked(visit), visit.query.get("cursor", "")
    query = {**asked, "limit": LIMIT, **({"cursor": cursor} if cursor else {})}
    try:
        answer = await visit.control("GET", "/audit", query)
    except Refused as refused:
        if refused.code != "parameter_invalid":
            raise
        return Shown("audit.html", {**_NOTHING, "asked": asked, "fault": refused.told}, refused.status)
    head = answer.document["head"]
    values = {**answer.document, "asked": asked, "cursor": cursor, "chain": await _chain(visit, head)}
    return Shown("audit.html", values)


_NOTHING: Mapping[str, Any] = {"entries": [], "next_cursor": None, "head": None, "chain": None, "cursor": ""}


def _asked(visit: Visit) -> dict[str, str]:
    return {name: text for name in FILTERS if (text := visit.query.get(name, "").strip())}


async def _chain(visit: Visit, head: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a look at the newest entries shows; from an entry on, if somebody asks for it."""
    if head is None:
        return None
    wanted = visit.query.get("verify", "")
    begin = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 0
    cursor = begin or max(1, head["number"] - LOOKED_AT + 1)
    found = (await visit.control("GET", "/audit/chain", {"cursor": cursor})).document
    return {**found["chain"], "next_cursor": found["next_cursor"]}


async def one(visit: Visit) -> Shown:
    number = visit.of_path("number")
    if not number.isascii() or not number.isdigit() or len(number) > 15 or not int(number):
        raise _missing(number)
    query = {"order": "oldest", "cursor": int(number), "limit": 1}
    entries = (await visit.control("GET", "/audit", query)).document["entries"]
    if not entries or entries[0]["number"] != int(number):
        raise _missing(number)
    entry = entries[0]
    values = {"entry": entry, "changes": changes(entry["before"], entry["after"]), "page": _page_of(entry)}
    return Shown("audit_entry.html", values)


def _page_of(entry: Mapping[str, Any]) -> str | None:
    """The page of what was changed; None if there is none."""
    kind, subject = entry["action"].partition(".")[0], entry["subject"] or ""
    section = _SECTIONS.get(kind)
    is_of_link = kind == "person" and not subject.startswith("person_")
    if section is None or is_of_link or entry["action"] == _OF_GRANT:
        return None
    return f"{section}/{quote(subject, safe='')}"


def _missing(number: str) -> Refused:
    return Refused(404, "not_found", f"The audit has no entry {number[:20]}.", "Look at the list.")


def changes(before: Any, after: Any) -> list[dict[str, Any]]:
    """The members of what was changed, each as it was and as it is; `is_changed` says whether that differs."""
    old, new = _members(before), _members(after)
    return [
        {"name": name, "old": old.get(name), "new": new.get(name), "is_changed": _differs(name, old, new)}
        for name in dict.fromkeys((*old, *new))
    ]


def _members(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _differs(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return (name in old) != (name in new) or old.get(name) != new.get(name)


async def export(visit: Visit) -> Response:
    """All entries that fit the filters, the oldest first, one JSON document a line."""
    asked = _asked(visit)
    await visit.control(
        "GET", "/audit", {**asked, "limit": 1}
    )  # What it refuses, it refuses before the file begins.
    headers = named_headers() | {"content-disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(_lines(visit, asked), headers=headers, media_type="application/x-ndjson")


async def _lines(visit: Visit, asked: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
    cursor: str | None = "1"
    while cursor is not None and await visit.is_still_here():
        query = {**asked, "order": "oldest", "limit": _EXPORTED_AT_ONCE, "cursor": cursor}
        page = (await visit.control("GET", "/audit", query)).document
        yield b"".join(msgspec.json.encode(entry) + b"\n" for entry in page["entries"])
        cursor = page["next_cursor"]
        await asyncio.sleep(0)  # Others go first.


PAGES: tuple[Page, ...] = (
    get("/audit", show, "audit:read"),
    get("/audit/export", export, "audit:read"),
    get("/audit/{number}", one, "audit:read"),
)
