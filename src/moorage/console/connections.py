"""All connections, and making one."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from moorage.console.calls import Refused
from moorage.console.places import APP
from moorage.console.several import MOST, each, ticked
from moorage.console.visit import Done, Page, Shown, Visit, get, post

_FILTERS = ("app", "status", "environment", "tag", "end_user")


async def index(visit: Visit) -> Shown:
    filters = {name: visit.query[name].strip() for name in _FILTERS if visit.query.get(name, "").strip()}
    asked = visit.query.get("q", "").strip()
    answer = await visit.control(
        "GET", "/connections", {**filters, "limit": MOST, "cursor": visit.query.get("cursor", "")}
    )
    connections = [one for one in answer.document["connections"] if asked.casefold() in _words(one)]
    values = {
        "connections": list(map(without_link, connections)),
        "filters": {**filters, "q": asked},
        "next_cursor": answer.document.get("next_cursor"),
        "apps": sorted({one["app"] for one in await apps_of(visit)}),
        "last_calls": await _last_calls(visit, connections),
    }
    return Shown("connections.html", values)


def _words(connection: Mapping[str, Any]) -> str:
    """What a connection can be found by."""
    facts = connection["metadata"]
    words = [connection[name] for name in ("connection_id", "alias", "app", "end_user")]
    words += [facts.get(name) for name in ("organisation", "user", "data_centre")] + connection["tags"]
    return " ".join(str(word) for word in words if word).casefold()


async def apps_of(visit: Visit) -> Sequence[Mapping[str, Any]]:
    answer = await visit.control("GET", "/apps")
    found: Sequence[Mapping[str, Any]] = answer.document["apps"]
    return found


async def app_of(visit: Visit, name: str) -> Mapping[str, Any] | None:
    """What the API says of an app; None if there is no such app."""
    return next((app for app in await apps_of(visit) if app["app"] == name), None)


def without_link(connection: Mapping[str, Any]) -> dict[str, Any]:
    """A connection as pages show it that offer nobody to connect it: whoever has its link can."""
    return {**connection, "url": None}


def tags_in(text: str) -> list[str]:
    """The tags in a field of a form, with spaces or commas between them."""
    return text.replace(",", " ").split()


async def _last_calls(visit: Visit, connections: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """When each of these connections was called last, by its id; None if this server keeps no log of calls."""
    query = {"ids": ",".join(one["connection_id"] for one in connections)} if connections else {}
    found = await visit.optional("/requests/connections", query, "requests:read")
    if found is None:
        return None
    return {one["connection_id"]: one["last_call_at"] for one in found["connections"]}


async def ask(visit: Visit) -> Shown:
    """The form for a new connection."""
    typed = {"app": visit.query.get("app", APP), "leads": visit.query.get("leads", "outside")}
    return await _form(visit, typed)


async def _form(visit: Visit, typed: Mapping[str, str], refused: Refused | None = None) -> Shown:
    organisations: Sequence[Mapping[str, Any]] = ()
    if visit.may("organisations:write"):
        organisations = (await visit.control("GET", "/organisations")).document["organisations"]
    values = {
        "apps": await apps_of(visit),
        "organisations": organisations,
        "typed": typed,
        "fault": refused and refused.told,
    }
    return Shown("connection_new.html", values, 200 if refused is None else refused.status)


async def make(visit: Visit) -> Done | Shown:
    form = visit.form
    body: dict[str, Any] = {"app": form.get("app", "")}
    texts = {name: form.get(name, "").strip() for name in ("alias", "end_user", "return_url")}
    body |= {name: text for name, text in texts.items() if text}
    if tags := tags_in(form.get("tags", "")):
        body["tags"] = tags
    leads = form.get("leads", "outside")
    if leads.startswith("organisation:"):
        body["organisation"] = leads.removeprefix("organisation:")
    elif leads == "any":
        body["embedded"] = True
    try:
        answer = await visit.control("POST", "/connections", body=body)
    except Refused as refused:
        return await _form(visit, form, refused)
    made = answer.document["connection"]
    access = "?access=read" if form.get("access") == "read" and made["status"] == "PENDING" else ""
    note = "It is connected." if made["status"] == "ACTIVE" else ""
    return Done(f"/connections/{made['connection_id']}{access}", note)


async def ask_to_delete(visit: Visit) -> Shown:
    ids = ticked(visit)
    known = await _known(visit, ids)
    values = {"connections": list(known.values()), "others": len(ids) - len(known)}
    return Shown("connections_delete.html", values)


async def _known(visit: Visit, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Those of the connections that there are, by the ids that were ticked."""
    paths = [f"/connections/{quote(identity, safe='')}" for identity in ids]
    answers = await asyncio.gather(*map(visit.optional, paths))
    return {
        identity: without_link(answer["connection"])
        for identity, answer in zip(ids, answers, strict=True)
        if answer is not None
    }


async def delete(visit: Visit) -> Shown:
    ids = ticked(visit)
    known = await _known(visit, ids)

    async def deleted(connection: str) -> str:
        answer = await visit.control("DELETE", f"/connections/{connection}")
        said: str = answer.document["revocation"]["message"]
        return said

    rows = [{**row, "connection": known.get(row["id"])} for row in await each(ids, deleted)]
    done = sum(row["done"] for row in rows)
    return Shown("connections_deleted.html", {"rows": rows, "done": done}, 200 if done else 400)


PAGES: tuple[Page, ...] = (
    get("/connections", index, "connections:read"),
    post("/connections", make, "connections:write"),
    get("/connections/new", ask, "connections:write"),
    get("/connections/delete", ask_to_delete, "connections:write"),
    post("/connections/delete", delete, "connections:write"),
)
