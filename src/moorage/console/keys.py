"""API keys: the list, one key, and what is done to it."""

import asyncio
from typing import Any

from moorage.console.calls import Refused
from moorage.console.recipes import EXAMPLES, recipes
from moorage.console.several import MOST
from moorage.console.visit import QUICK, Page, Shown, Visit, get, post
from moorage.console.words import MODES, policy_in_words, scope_in_words, scopes_in_words

READ, WRITE = "keys:read", "keys:write"
# How long the old secret still works after a rotation, in seconds. The second is offered first.
OVERLAPS = {
    "0": "at once",
    "3600": "in an hour",
    "86400": "in a day",
    "604800": "in a week",
    "2592000": "in 30 days",
}
_OVERLAP = "3600"


async def names_of(visit: Visit) -> dict[str, str]:
    """What people call the connections, by their ids."""
    answer = await visit.control("GET", "/connections", {"limit": MOST})
    return {
        one["connection_id"]: one["alias"] or one["metadata"].get("organisation") or one["connection_id"]
        for one in answer.document["connections"]
    }


def path_of(visit: Visit) -> str:
    """The path of the key, which is the same in the console and in the API."""
    return f"/keys/{visit.segment('key_id')}"


def state_of(key: dict[str, Any], now: str) -> str:
    if key["revoked_at"] is not None:
        return "revoked"
    return "expired" if key["expires_at"] is not None and key["expires_at"] <= now else "active"


async def index(visit: Visit) -> Shown:
    shows_all = visit.query.get("show") == "all"
    asked = visit.query.get("q", "").strip()
    answer, names, use = await asyncio.gather(visit.control("GET", "/keys"), names_of(visit), _use(visit))
    keys = [_shown(visit, key, names, use) for key in answer.document["keys"]][::-1]
    active = [key for key in keys if shows_all or key["state"] == "active"]
    found = [key for key in active if asked.casefold() in key["name"].casefold()]
    values = {
        "keys": found[:MOST],
        "beyond": max(0, len(found) - MOST),
        "ended": len(keys) - len(active),
        "q": asked,
        "all": shows_all,
        "makes": visit.may(WRITE),
        "use": use and {name: use[name] for name in ("since", "counted_since", "step_seconds")},
    }
    return Shown("keys.html", values)


async def _use(visit: Visit) -> dict[str, Any] | None:
    """How often the keys have called over the last day; None if the person may not know, or no log is kept."""
    found = await visit.optional("/requests/keys", {"milliseconds": QUICK}, "requests:read")
    if found is None:
        return None
    use: dict[str, Any] = found["use"]
    return {**use, "keys": {key["id"]: key for key in use["keys"]}}


def _shown(
    visit: Visit, key: dict[str, Any], names: dict[str, str], use: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        **key,
        "use": use and use["keys"].get(key["id"], {"calls": 0, "errors": 0, "buckets": []}),
        "state": state_of(key, visit.now),
        "may": scopes_in_words(key["scopes"], names),
        "held_to": policy_in_words(key["policy"]),
    }


async def show(visit: Visit) -> Shown:
    answer, names, use = await asyncio.gather(
        visit.control("GET", path_of(visit)), names_of(visit), _use(visit)
    )
    key = answer.document["key"]
    state = state_of(key, visit.now)
    values = {
        "key": _shown(visit, key, names, use),
        "rights": [scope_in_words(scope, names) for scope in key["scopes"]],
        "modes": MODES,
        "changes": visit.may(WRITE) and state == "active",
        "overlaps": OVERLAPS,
        "overlap": _OVERLAP,
        "once": visit.once(),
    }
    return Shown("key.html", values)


def made(visit: Visit, document: dict[str, Any], said: str, *, overlap: str | None = None) -> Shown:
    """The page that shows a secret, once. `overlap` says in words when the old secret ends."""
    key = document["key"]
    app = next((scope.split(":")[1] for scope in key["scopes"] if _names_app(scope)), "zoho-crm")
    values = {
        "key": key,
        "secret": document["secret"],
        "said": said,
        "overlap": overlap,
        "examples": EXAMPLES,
        "recipes": recipes(visit.base_url, app),
    }
    return Shown("key_made.html", values)


def _names_app(scope: str) -> bool:
    parts = scope.removesuffix(":read").split(":")
    return parts[0] == "proxy" and len(parts) == 2 and len(parts[1]) != 36


async def rotate(visit: Visit) -> Shown:
    overlap = visit.form.get("overlap", _OVERLAP)
    if overlap not in OVERLAPS:
        raise Refused(
            400, "body_invalid", "The old secret can't end then.", "Choose one of the offered times."
        )
    answer = await visit.control(
        "POST", f"{path_of(visit)}/rotate", body={"overlap_seconds": int(overlap)}, headers=visit.once_headers
    )
    return made(visit, answer.document, "The key has a new secret.", overlap=OVERLAPS[overlap])


PAGES: tuple[Page, ...] = (
    get("/keys", index, READ),
    get("/keys/{key_id}", show, READ),
    post("/keys/{key_id}/rotate", rotate, WRITE),
)
