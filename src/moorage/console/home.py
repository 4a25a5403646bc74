"""The first page: what needs attention, the three steps of a new account, and the last calls."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.console.connections import without_link
from moorage.console.places import APP
from moorage.console.recipes import EXAMPLES, recipes
from moorage.console.visit import QUICK, Page, Shown, Visit, get

_LAST = 10  # Calls on the page.
_READ = (
    50  # Calls among which the first one of a program is looked for. People try connections with calls, too.
)
_MOST = 200  # Connections that are looked at.
_OF_HOUR = ("since:1h caller:key", "since:1h")  # Calls of programs; all calls, which are counted faster.
_TROUBLED = ("failed", "limited")


async def show(visit: Visit) -> Shown:
    connections, calls, hour, held = await asyncio.gather(
        _connections(visit), _calls(visit), _hour(visit), _held(visit)
    )
    outside = [one for one in connections if one["environment"] in {"live", "sandbox"}]
    values = {
        "attention": [one for one in connections if one["health"]["status"] in _TROUBLED],
        "connections": len(connections),
        "hour": hour,
        "held": held,
        "requests": None if calls is None else calls[:_LAST],
        "seen": _seen(calls or ()),
        "outside": next((one for one in outside if one["status"] == "ACTIVE"), None),
        "examples": EXAMPLES,
        "example": visit.query.get("example", "curl"),
        "recipes": recipes(visit.base_url, APP),
    }
    return Shown("home.html", {**values, "live": _live(values)})


async def _connections(visit: Visit) -> Sequence[Mapping[str, Any]]:
    answer = await visit.control("GET", "/connections", {"limit": _MOST})
    return list(map(without_link, answer.document["connections"]))


async def _calls(visit: Visit) -> Sequence[Mapping[str, Any]] | None:
    """The newest calls; None if this server keeps no log of them."""
    found = await visit.optional("/requests", {"limit": _READ})
    return None if found is None else found["requests"]


async def _hour(visit: Visit) -> dict[str, Any] | None:
    """How many calls of programs came in the last hour, and failed. If there are too many to tell them from those of
    people at once, it is about all calls; `is_all` is false if even these were too many.
    """
    programs, everybody = await asyncio.gather(*(_counted(visit, query) for query in _OF_HOUR))
    return programs if programs is not None and programs["is_all"] else everybody


async def _counted(visit: Visit, query: str) -> dict[str, Any] | None:
    found = await visit.optional("/requests/summary", {"q": query, "milliseconds": QUICK})
    if found is None:
        return None
    summary = found["summary"]
    calls, failed = summary["calls"], summary["errors"]
    share = round(100 * failed / calls, 1) if calls else 0
    counted_since = summary["counted_since"]
    is_all = counted_since == summary["since"]
    return {
        "q": query,
        "calls": calls,
        "failed": failed,
        "share": share,
        "is_all": is_all,
        "counted_since": counted_since,
    }


async def _held(visit: Visit) -> int:
    """How many calls wait for a person."""
    answer = await visit.control("GET", "/approvals", {"state": "waiting", "limit": 1})
    return int(answer.document["waiting"])


def _seen(calls: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first call of a program if it is among the calls, else the last one; None if there was none yet."""
    found = [call for call in calls if call["key"]["id"].startswith("key_")]
    if not found:
        return None
    return {"is_first": len(calls) < _READ, "call": found[-1] if len(calls) < _READ else found[0]}


def _live(values: Mapping[str, Any]) -> str:
    """A text that changes when the page does: see static/elements/live.js."""
    newest = values["requests"][0]["number"] if values["requests"] else 0
    states = [f"{one['connection_id']}:{one['health']['status']}" for one in values["attention"]]
    outside = values["outside"] and values["outside"]["connection_id"]
    return f"{newest} {values['connections']} {values['held']} {outside} {' '.join(states)}"


PAGES: tuple[Page, ...] = (get("", show, "connections:read"),)
