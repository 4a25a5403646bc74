"""The page on which a key is made: from a preset, with scopes, connections, a mode, an end and a policy."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moorage.console.calls import Refused
from moorage.console.keys import WRITE, made, names_of
from moorage.console.visit import Page, Shown, Visit, get, post
from moorage.console.words import CONTROL, MODES

DAYS = {"30": "in 30 days", "90": "in 90 days", "365": "in a year", "": "never"}
CALLS = {
    "all": "All apps and connections",
    "read": "All apps and connections, only to read",
    "some": "Only the connections chosen below",
    "none": "No app",
}
# What each preset fills in.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "service": {
        "title": "Service",
        "words": "A program of yours that runs all the time.",
        "mode": "live", "calls": "all", "scopes": ["connections:read"], "days": "", "policy": "",
    },
    "agent": {
        "title": "Agent",
        "words": "Reads and writes. Before it takes something away, a person is asked. It ends in 30 days.",
        "mode": "live", "calls": "all", "scopes": ["connections:read"], "days": "30", "policy": "cautious",
    },
    "ci": {
        "title": "CI",
        "words": "Tests on the embedded CRM: it resets organisations, and reaches no account outside.",
        "mode": "test", "calls": "all", "days": "90", "policy": "open",
        "scopes": ["connections:read", "organisations:read", "organisations:write"],
    },
}  # fmt: skip


async def ask(visit: Visit) -> Shown:
    preset = visit.query.get("preset", "service")
    chosen = PRESETS.get(preset, PRESETS["service"])
    typed = {"name": "", **{name: chosen[name] for name in ("mode", "calls", "days", "policy")}}
    return await _form(visit, preset, {**typed, "scopes": chosen["scopes"], "connections": []})


async def _form(visit: Visit, preset: str, typed: Mapping[str, Any], fault: Refused | None = None) -> Shown:
    values = {
        "preset": preset if preset in PRESETS else "service",
        "presets": PRESETS,
        "typed": typed,
        "control": CONTROL,
        "modes": MODES,
        "days": DAYS,
        "calls": CALLS,
        "connections": await names_of(visit),
        "fault": fault and fault.told,
        "once": visit.once(),
    }
    return Shown("key_new.html", values, 200 if fault is None else fault.status)


async def make(visit: Visit) -> Shown:
    form = visit.form
    typed = {
        **{name: form.get(name, "") for name in ("name", "mode", "calls", "days", "policy")},
        "scopes": [scope for scope in CONTROL if f"scope.{scope}" in form],
        "connections": [name.partition(".")[2] for name in form if name.startswith("connection.")],
    }
    try:
        answer = await visit.control("POST", "/keys", body=_body(typed), headers=visit.once_headers)
    except Refused as refused:
        if refused.status not in {400, 422}:
            raise
        return await _form(visit, form.get("preset", ""), typed, refused)
    return made(visit, answer.document, "The key is made.")


def _body(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Refused."""
    if typed["days"] not in DAYS or typed["calls"] not in CALLS:
        raise Refused(400, "body_invalid", "The form has a choice that it does not offer.", "Choose again.")
    if typed["calls"] == "some" and not typed["connections"]:
        raise Refused(400, "body_invalid", "No connection is chosen.", "Choose one, or another answer above.")
    calls = {
        "all": ["proxy"],
        "read": ["proxy:read"],
        "some": [f"proxy:{connection}" for connection in typed["connections"]],
        "none": [],
    }[typed["calls"]]
    scopes = [*typed["scopes"], *calls]
    if not scopes:
        raise Refused(
            400, "body_invalid", "The key could do nothing.", "Let it call an app, or give it a scope."
        )
    body = {"name": typed["name"], "mode": typed["mode"] or None, "scopes": scopes}
    if typed["days"]:
        end = datetime.now(UTC) + timedelta(days=int(typed["days"]))
        body["expires_at"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    if typed["policy"]:
        body["policy"] = {"mode": typed["policy"]}
    return body


PAGES: tuple[Page, ...] = (get("/keys/new", ask, WRITE), post("/keys/new", make, WRITE))
