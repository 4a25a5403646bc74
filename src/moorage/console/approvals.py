"""The calls that wait for a person: the list, one call with what it would change, and the decision."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from moorage.console.calls import Refused
from moorage.console.places import APP
from moorage.console.visit import Done, Page, Shown, Visit, get, post
from moorage.http.control import json_response

READ = "approvals:read"
_RECENT = 50
_DECIDED = "approval_decided"
# What became of a call, for people.
STATES = {
    "waiting": "waits for a person",
    "approved": "approved, and sent in a moment",
    "sending": "is being sent",
    "sent": "was sent, and answered",
    "failed": "was not sent: the app could not be reached",
    "unknown": "may have been sent: no answer came",
    "declined": "declined",
    "expired": "declined, as nobody decided in time",
    "cancelled": "taken back by its caller",
}
UNDER_WAY = frozenset({"approved", "sending"})


async def index(visit: Visit) -> Shown:
    chosen = visit.query.get("state", "")
    query = {"state": chosen} if chosen in STATES else {}
    waiting, others = await asyncio.gather(
        visit.control("GET", "/approvals", {"state": "waiting"}),
        visit.control("GET", "/approvals", {**query, "limit": _RECENT + 100}),
    )
    earlier = [one for one in others.document["approvals"] if one["state"] != "waiting"]
    first = waiting.document["approvals"][::-1]
    values = {
        "calls": first,
        "grants": waiting.document["grants"],
        "earlier": earlier[:_RECENT],
        "state": chosen,
        "states": STATES,
        "decides": visit.person.may("approvals:decide"),
        "live": _live(first, earlier),
    }
    return Shown("approvals.html", values)


def _live(waiting: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]) -> str:
    """A text that changes with the list: see static/elements/live.js."""
    under_way = [f"{one['id']}:{one['state']}" for one in earlier if one["state"] in UNDER_WAY]
    return " ".join([*(one["id"] for one in waiting), *under_way])


async def show(visit: Visit) -> Shown:
    return await _page(visit)


async def _page(visit: Visit, reason: str = "", fault: Refused | None = None) -> Shown:
    """One call; with the reason that somebody typed, and what is wrong with it."""
    path = _path(visit)
    answer, others = await asyncio.gather(
        visit.control("GET", path), visit.control("GET", "/approvals", {"state": "waiting"})
    )
    approval = answer.document["approval"]
    is_waiting, contents = approval["state"] == "waiting", _NOTHING
    if is_waiting and visit.person.may("approvals:see_values"):
        contents = _with_pages(visit, approval, (await visit.control("GET", f"{path}/contents")).document)
    waiting = [one for one in others.document["approvals"][::-1] if one["id"] != approval["id"]]
    values = {
        "approval": approval,
        "became": STATES[approval["state"]],
        "under_way": approval["state"] in UNDER_WAY,
        **contents,
        "sees_values": visit.person.may("approvals:see_values"),
        "decides": is_waiting and visit.person.may("approvals:decide"),
        "next": waiting[0]["id"] if waiting else None,
        "others": len(waiting),
        "reason": reason,
        "fault": None if fault is None else fault.message,
        "live": approval["state"],
    }
    return Shown("approval.html", values, 200 if fault is None else fault.status)


async def state(visit: Visit) -> Response:
    """Whether the page has changed, for static/elements/live.js: without the contents, which cost calls of the app."""
    approval = (await visit.control("GET", _path(visit))).document["approval"]
    return json_response({"live": approval["state"]})


_NOTHING: Mapping[str, Any] = {"call": None, "diff": None}


def _with_pages(visit: Visit, approval: Mapping[str, Any], contents: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a call would change, with the page in the CRM of each record that is there already."""
    diff = contents["diff"]
    if diff is None or approval["app"] != APP or not visit.sees_values:
        return contents
    place = f"/crm/{approval['connection']['id']}"
    records = [{**record, "page": _page_of(place, record)} for record in diff["records"]]
    return {**contents, "diff": {**diff, "records": records}}


def _page_of(place: str, record: Mapping[str, Any]) -> str | None:
    module, identity = record["module"], record["id"]
    if record["what"] == "created" or not module or not identity:
        return None
    return f"{place}/{quote(module, safe='')}/{quote(identity, safe='')}"


async def approve(visit: Visit) -> Shown | Done:
    an_hour = visit.form.get("for") == "hour"
    said = "You approved this call, and the same for an hour." if an_hour else "You approved this call."
    return await _decide(visit, "approve", {"for": "hour" if an_hour else "once"}, said)


async def decline(visit: Visit) -> Shown | Done:
    body = {"reason": visit.form.get("reason", "")}
    return await _decide(visit, "decline", body, "You declined this call. Nothing of it was sent.")


async def _decide(visit: Visit, what: str, body: Mapping[str, str], said: str) -> Shown | Done:
    try:
        await visit.control("POST", f"{_path(visit)}/{what}", body=body)
    except Refused as refused:
        if (
            refused.code == _DECIDED
        ):  # By somebody else, by a second click, or as time went by: the page says which.
            return Done(_path(visit), "This call had been decided before.")
        if refused.status != 400:
            raise
        return await _page(visit, body.get("reason", ""), refused)
    return Done(_path(visit), said)


async def end_grant(visit: Visit) -> Done:
    await visit.control("POST", f"/approvals/grants/{visit.segment('grant_id')}/end")
    return Done("/approvals", "From now on, these calls ask again.")


def _path(visit: Visit) -> str:
    """The path of the call, which is the same in the console and in the API."""
    return f"/approvals/{visit.segment('approval_id')}"


PAGES: tuple[Page, ...] = (
    get("/approvals", index, READ),
    post("/approvals/grants/{grant_id}/end", end_grant, READ),
    get("/approvals/{approval_id}", show, READ),
    get("/approvals/{approval_id}/state", state, READ),
    post("/approvals/{approval_id}/approve", approve, READ),
    post("/approvals/{approval_id}/decline", decline, READ),
)
