"""How near each limit is: tokens made and alive, the server's rate, budgets of keys, calls that were too many."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moorage.console.filters import moment
from moorage.console.visit import QUICK, Page, Shown, Visit, get

_TOO_MANY = "status:429"


async def show(visit: Visit) -> Shown:
    connections, tokens, calls, history, too_many, keys = await asyncio.gather(
        visit.control("GET", "/connections", {"limit": 100}),
        visit.control("GET", "/limits/tokens"),
        visit.optional("/limits/calls", needs="policies:read"),
        visit.optional("/requests/summary", {"q": "since:1d"}, "requests:read"),
        visit.optional(
            "/requests/summary",
            {"q": f"{_TOO_MANY} since:1d", "groups": "true", "milliseconds": QUICK},
            "requests:read",
        ),
        visit.optional("/keys", needs="keys:read"),
    )
    names = {key["id"]: key["name"] for key in (keys or {}).get("keys", ())}
    values = {
        "connections": _with_tokens(connections.document["connections"], tokens.document["connections"]),
        "rate": (calls or {}).get("rate"),
        "budgets": [_named(budget, names) for budget in (calls or {}).get("budgets", ())],
        "history": (history or {}).get("summary"),
        "too_many": (too_many or {}).get("summary"),
    }
    return Shown("limits.html", values)


def _with_tokens(
    connections: Sequence[Mapping[str, Any]], tokens: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The connections that are connected, each with its tokens; None if nobody limits these."""
    of = {limit["connection_id"]: limit for limit in tokens}
    shown = ("connection_id", "alias", "app", "environment", "metadata")
    return [
        {name: connection[name] for name in shown} | {"tokens": _drawn(of.get(connection["connection_id"]))}
        for connection in connections
        if connection["status"] != "PENDING"
    ]


def _drawn(tokens: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The tokens of a connection, with the place of each in a picture of the last hour, in percent."""
    if tokens is None:
        return None
    now = datetime.now(UTC)
    moments = [at for text in tokens["made_at"] if (at := moment(text)) is not None]
    ticks = [round(100 - (now - at).total_seconds() / 36, 1) for at in moments]
    return {**tokens, "ticks": [min(max(tick, 0.0), 99.0) for tick in ticks]}


def _named(budget: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    share = min(round(budget["spent"] / budget["most"] * 100), 100) if budget["most"] else 100
    return {**budget, "key_name": names.get(budget["key_id"]), "share": share}


PAGES: tuple[Page, ...] = (get("/limits", show, "connections:read"),)
