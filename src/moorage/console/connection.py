"""One connection: how it is, what happened to it, how programs use it, and what may be done with it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.console.calls import Refused
from moorage.console.connections import app_of, tags_in, without_link
from moorage.console.filters import pretty
from moorage.console.places import APP, name_of
from moorage.console.recipes import EXAMPLES, ZOHO_SDK, credentials, mcp_url, recipes
from moorage.console.visit import Done, Page, Shown, Visit, get, post

TABS = ("about", "use")
_EVENTS = 30
_MOST_SHOWN = 4000  # Characters of what an app answered to a test.
# What the actions of the audit are called in the story of a connection.
_SAID: Mapping[str, str] = {
    "connection.created": "Made",
    "connection.connected": "Connected",
    "connection.reconnected": "Connected again",
    "connection.failed": "The app refused its tokens",
    "connection.mended": "Works again",
    "connection.relabelled": "Got other labels",
    "connection.moved": "Moved to another data centre",
    "connection.widened": "Shows more scopes",
}


async def show(visit: Visit) -> Shown:
    return await _shown(visit, await _found(visit))


async def back(visit: Visit) -> Done:
    """For somebody who loads the page again that a form has answered with."""
    return Done(f"/connections/{visit.segment('connection')}")


async def _found(visit: Visit) -> Mapping[str, Any]:
    answer = await visit.control("GET", f"/connections/{visit.segment('connection')}")
    found: Mapping[str, Any] = answer.document["connection"]
    return found


async def _shown(visit: Visit, connection: Mapping[str, Any], status: int = 200, **more: Any) -> Shown:
    tab = visit.query.get("tab", "about")
    identifier, app = connection["connection_id"], connection["app"]
    about, tokens, events, diagnosis = await asyncio.gather(
        app_of(visit, app),
        _tokens(visit, connection),
        _events(visit, identifier),
        _diagnosis(visit, identifier),
    )
    name, check = name_of(connection), about["check"] if about else None
    values = {
        "connection": connection,
        "app": about,
        "link": _link(visit, connection["url"]),
        "tab": tab if tab in TABS else "about",
        "tokens": tokens,
        "events": events,
        "diagnosis": diagnosis,
        "can_be_tested": check is not None and connection["status"] == "ACTIVE" and visit.sees_values,
        "shows_records": app == APP and connection["status"] == "ACTIVE" and visit.sees_values,
        "examples": EXAMPLES,
        "recipes": recipes(visit.base_url, app, name, check),
        "mcp_url": mcp_url(visit.base_url, name),
        "zoho": await _zoho(visit, connection) if tab == "use" else None,
        "tested": None,
        "fault": None,
        "typed": _labels(connection),
        # It changes when somebody connects the connection, or its tokens fail: see static/elements/live.js.
        "live": f"{connection['status']} {connection['last_updated_time']}",
    }
    return Shown("connection.html", {**values, **more}, status)


def _labels(connection: Mapping[str, Any]) -> dict[str, Any]:
    """The labels, as the fields of the form have them."""
    tags = " ".join(connection["tags"])
    return {"alias": connection["alias"], "tags": tags, "end_user": connection["end_user"]}


def _link(visit: Visit, url: str | None) -> str | None:
    """Where a person connects it, with the choice that was made when it was asked for."""
    return f"{url}&access=read" if url is not None and visit.query.get("access") == "read" else url


async def _zoho(visit: Visit, connection: Mapping[str, Any]) -> Mapping[str, str] | None:
    """How an SDK of Zoho reaches the organisation; None if that is not one of the embedded CRM."""
    if connection["environment"] != "embedded":
        return None
    found = await visit.optional("/organisations", needs="organisations:read")
    identity = connection["metadata"].get("organisation_id")
    those = (each for each in (found or {}).get("organisations", ()) if each["zgid"] == identity)
    return {"credentials": credentials(next((each["slug"] for each in those), None)), "program": ZOHO_SDK}


async def _tokens(visit: Visit, connection: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How many tokens were made lately; None if it has none, or the vault is locked."""
    if connection["status"] != "ACTIVE":
        return None
    found = await visit.optional(f"/connections/{connection['connection_id']}/tokens")
    return None if found is None else found["tokens"]


async def _events(visit: Visit, connection: str) -> Sequence[Mapping[str, Any]] | None:
    """What happened to it, the newest first; None if the person may not read the audit."""
    if not visit.may("audit:read"):
        return None
    answer = await visit.control("GET", "/audit", {"subject": connection, "limit": _EVENTS})
    return [
        {
            "at": entry["at"],
            "said": _SAID.get(entry["action"], entry["action"]),
            "who": _who(entry["actor"]),
            "reason": _reason(entry),
        }
        for entry in answer.document["entries"]
    ]


def _who(actor: Mapping[str, Any]) -> str:
    if actor["kind"] == "person" and actor["id"] is None:
        return "whoever had its link"
    return str(actor["name"] or actor["kind"])


def _reason(entry: Mapping[str, Any]) -> str | None:
    after = entry["after"] if isinstance(entry["after"], dict) else {}
    facts = after.get("metadata")
    return str(facts["reason"]) if isinstance(facts, dict) and facts.get("reason") else None


async def _diagnosis(visit: Visit, connection: str) -> Mapping[str, Any] | None:
    """The diagnosis, which takes some seconds if an app is slow: only for who asks for it."""
    if not visit.query.get("diagnosis"):
        return None
    found = (await visit.control("GET", f"/connections/{connection}/diagnosis")).document
    return {"healthy": found["healthy"], "findings": found["findings"]}


async def test(visit: Visit) -> Shown:
    """Make a harmless call through it, and show what came back."""
    connection = await _found(visit)
    if not visit.sees_values:
        role = visit.person.role
        raise Refused(
            403,
            "scope_missing",
            f"Your role, {role}, does not see what apps answer.",
            "Ask for the diagnosis.",
        )
    about = await app_of(visit, connection["app"])
    if about is None or about["check"] is None:
        raise Refused(400, "test_unknown", "No harmless call of this app is known.", "Ask for the diagnosis.")
    begun = time.perf_counter()
    answer = await visit.app(
        connection["connection_id"], "GET", about["check"], app=connection["app"], keeps_errors=True
    )
    took = round((time.perf_counter() - begun) * 1000)
    text = answer.body.decode("utf-8", "replace") if answer.document is None else pretty(answer.document)
    tested = {
        "call": f"GET /{connection['app']}{about['check']}",
        "status": answer.status,
        "milliseconds": took,
        "request_id": answer.headers.get("x-request-id"),
        "credits": answer.headers.get("x-api-credits-remaining"),
        "answer": text[:_MOST_SHOWN],
        "is_whole": len(text) <= _MOST_SHOWN,
    }
    return await _shown(visit, connection, tested=tested)


async def relabel(visit: Visit) -> Shown | Done:
    """Change the labels that the person has changed in the form: somebody else may have changed the others since."""
    connection, form = await _found(visit), visit.form
    body: dict[str, Any] = {
        name: form[name].strip() or None for name in ("alias", "end_user") if _is_changed(form, name)
    }
    if _is_changed(form, "tags"):
        body["tags"] = tags_in(form["tags"])
    path = f"/connections/{connection['connection_id']}"
    try:
        await visit.control("PATCH", path, body=body)
    except Refused as refused:
        kept = _labels(connection)
        typed = kept | {name: form[name] for name in kept if _is_changed(form, name)}
        return await _shown(visit, connection, refused.status, fault=refused.told, typed=typed)
    return Done("/connections" if form.get("back") == "list" else path, "The labels are changed.")


def _is_changed(form: Mapping[str, str], name: str) -> bool:
    return name in form and form[name] != form.get(f"was_{name}")


async def make_default(visit: Visit) -> Done:
    connection = await _found(visit)
    identifier, app = connection["connection_id"], connection["app"]
    await visit.control("PUT", f"/apps/{app}/default", body={"connection_id": identifier})
    return Done(
        f"/connections/{identifier}", f"Calls of {app} that name no connection go through this one now."
    )


async def ask_to_delete(visit: Visit) -> Shown:
    return Shown("connection_delete.html", {"connection": without_link(await _found(visit))})


async def delete(visit: Visit) -> Done:
    connection = await _found(visit)
    answer = await visit.control("DELETE", f"/connections/{connection['connection_id']}")
    return Done("/connections", f"It is deleted. {answer.document['revocation']['message']}")


PAGES: tuple[Page, ...] = (
    get("/connections/{connection}", show, "connections:read"),
    get("/connections/{connection}/labels", back, "connections:read"),
    post("/connections/{connection}/labels", relabel, "connections:write"),
    get("/connections/{connection}/test", back, "connections:read"),
    post("/connections/{connection}/test", test, "connections:read"),
    post("/connections/{connection}/default", make_default, "connections:write"),
    get("/connections/{connection}/delete", ask_to_delete, "connections:write"),
    post("/connections/{connection}/delete", delete, "connections:write"),
)
