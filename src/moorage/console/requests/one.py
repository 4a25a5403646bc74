"""One call: what happened, what was sent and answered, how long it took, and what is near it."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from moorage.console.approvals import STATES, UNDER_WAY
from moorage.console.filters import moment
from moorage.console.requests.code import snippets
from moorage.console.requests.kept import asked, kept_text, left_out
from moorage.console.requests.told import told
from moorage.console.visit import Shown, Visit

_AROUND = timedelta(minutes=10)
_AFTER = 60_000_000  # Numbers of calls are microseconds, as far as nothing has to be exact.
_MOST = 15
_MOST_HELD = 200  # Held calls among which that of a call is looked for.
_BETWEEN_CLOCKS = timedelta(seconds=1)  # As the database may have another clock.


async def show(visit: Visit) -> Shown:
    call = await asked(visit)
    around, connection, approval, held = await asyncio.gather(
        _around(visit, call), _connection(visit, call), _approval(visit, call), _held(visit, call)
    )
    body = kept_text(call, "request")
    values = {
        "request": call,
        "told": told(call),
        "sees_bodies": visit.may("requests:bodies"),
        "bodies": {name: kept_text(call, name) for name in ("request", "answer")},
        "around": around,
        "repeats": [other for other in around if _is_repeat(call, other)],
        "account": _account(call, connection),
        "health": connection and connection["health"],
        "approval": approval,
        "held": held,
        "snippets": snippets(call, visit.base_url, body),
        "left_out": list(left_out(call)),
        "may_replay": visit.sees_values,
    }
    return Shown("request.html", values)


async def _around(visit: Visit, call: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls of the same key around the call, the newest first."""
    begun = moment(call["at"])
    assert begun is not None
    since = (begun - _AROUND).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"q": f"key:{call['key']['id']} since:{since}", "cursor": call["number"] + _AFTER, "limit": _MOST}
    answer = await visit.control("GET", "/requests", query, keeps_errors=True)
    return [] if answer.status >= 400 else list(answer.document["requests"])


def _is_repeat(call: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether another call is the same one, made again or before."""
    same = ("app", "method", "path", "query")
    return other["number"] != call["number"] and all(other[name] == call[name] for name in same)


def _account(call: Mapping[str, Any], connection: Mapping[str, Any] | None) -> str | None:
    """What people call the account that was called; None if none was chosen."""
    if call["connection"] is None:
        return None
    organisation = connection and connection["metadata"].get("organisation")
    return str(call["connection"]["alias"] or organisation or call["connection"]["id"])


async def _connection(visit: Visit, call: Mapping[str, Any]) -> dict[str, Any] | None:
    if call["connection"] is None or not visit.may("connections:read"):
        return None
    answer = await visit.control("GET", f"/connections/{call['connection']['id']}", keeps_errors=True)
    return None if answer.status >= 400 else answer.document["connection"]


async def _approval(visit: Visit, call: Mapping[str, Any]) -> str | None:
    """The id of the held call that was sent as this call; then it has the same id."""
    if call["verdict"] != "ask" or not visit.may("approvals:read"):
        return None
    request_id = call["request_id"]
    answer = await visit.control("GET", f"/approvals/{quote(request_id, safe='')}", keeps_errors=True)
    return request_id if answer.status < 400 else None


async def _held(visit: Visit, call: Mapping[str, Any]) -> dict[str, Any] | None:
    """The held call that this call began, as it is now; None if none is known for sure, or it began none."""
    if call["error"] != "approval_required" or not visit.may("approvals:read"):
        return None
    found = await visit.optional("/approvals", {"limit": _MOST_HELD})
    begun, asked_for = moment(call["at"]), (call["key"]["id"], call["method"], call["operation"])
    assert begun is not None
    end = begun + timedelta(milliseconds=call["duration_ms"]) + _BETWEEN_CLOCKS
    # The log does not know which one: a call of the same kind that was asked in these moments, if there is only one.
    those = [
        each
        for each in (found or {}).get("approvals", ())
        if (each["key"]["id"], each["method"], each["operation"]["name"]) == asked_for
        and (at := moment(each["created_at"])) is not None
        and begun - _BETWEEN_CLOCKS <= at <= end
    ]
    if len(those) != 1:
        return None
    [held] = those
    state = held["state"]
    is_open = state == "waiting" or state in UNDER_WAY
    return {"id": held["id"], "state": state, "became": STATES[state], "is_open": is_open}
