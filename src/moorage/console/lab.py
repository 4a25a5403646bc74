"""The lab: the organisations of the embedded CRM, and what tests and demonstrations do with them."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from moorage.console.calls import Refused
from moorage.console.places import APP
from moorage.console.visit import Done, Page, Shown, Visit, get, post

_READ, _WRITE = "organisations:read", "organisations:write"
_KEPT = re.compile("before-reset-([1-9][0-9]{0,8})", re.ASCII)  # A snapshot that a reset has kept.
_MOST_KEPT = 10  # Of an organisation.
_MOST_TRIES = 10  # To find a name that nobody else has taken meanwhile.
_SEED = {"Leads": [{"Last_Name": "Hopper", "Company": "Harbour & Pine", "Email": "grace@example.com"}]}


async def index(visit: Visit) -> Shown:
    found = await visit.control("GET", "/organisations")
    return Shown("lab.html", {"organisations": found.document["organisations"], "typed": {}, "fault": None})


async def create(visit: Visit) -> Shown | Done:
    """Make an organisation, and a connection that leads to it, so that calls can reach it."""
    slug, name = visit.form.get("slug", "").strip(), visit.form.get("name", "").strip()
    body: dict[str, Any] = {"slug": slug, "sample": visit.form.get("sample") == "yes"}
    if name:
        body["name"] = name
    try:
        await visit.control("POST", "/organisations", body=body)
        if visit.form.get("connect") == "yes":
            await visit.control(
                "POST", "/connections", body={"app": APP, "organisation": slug, "alias": slug}
            )
    except Refused as refused:
        page = await index(visit)
        values = {**page.values, "typed": dict(visit.form), "fault": _told(refused)}
        return Shown(page.template, values, refused.status)
    return Done(f"/lab/{quote(slug, safe='')}", f"The organisation {slug} is there.")


async def show(visit: Visit) -> Shown:
    return await _page(visit, visit.of_path("slug"))


async def _page(visit: Visit, slug: str, status: int = 200, **more: Any) -> Shown:
    path = _path(slug)
    organisation = (await visit.control("GET", path)).document["organisation"]
    snapshots = (await visit.control("GET", f"{path}/snapshots")).document["snapshots"]
    seed = json.dumps(_SEED, indent=2)
    values = {
        "organisation": organisation,
        "connections": await _connections(visit, organisation),
        "snapshots": snapshots,
        "seed": seed,
        "fault": None,
        "ids": None,
    } | more
    return Shown("organisation.html", values, status)


async def _connections(visit: Visit, organisation: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Those that lead to the organisation."""
    query = {"app": APP, "environment": "embedded", "status": "ACTIVE", "limit": 1000}
    found = await visit.control("GET", "/connections", query)
    return [
        {"id": connection["connection_id"], "alias": connection["alias"], "default": connection["default"]}
        for connection in found.document["connections"]
        if connection["metadata"].get("organisation_id") == organisation["zgid"]
    ]


async def reset(visit: Visit) -> Shown | Done:
    """Make the organisation as it was at first. A snapshot of before makes that undone, if the person wants one."""
    slug = visit.of_path("slug")
    try:
        kept = await _keep(visit, slug) if visit.form.get("keep") == "yes" else None
        await visit.control("POST", f"{_path(slug)}/reset", body={})
    except Refused as refused:
        return await _page(visit, slug, refused.status, fault=_told(refused))
    undo = f" The snapshot {kept} has what was there." if kept else ""
    return Done(f"/lab/{quote(slug, safe='')}", f"{slug} is as it was at first.{undo}")


async def _keep(visit: Visit, slug: str) -> str:
    """Make the next of the snapshots that resets keep, so none takes the place of another. Old ones are deleted."""
    snapshots = f"{_path(slug)}/snapshots"
    for tries_left in reversed(range(_MOST_TRIES)):
        numbers = await _numbers_kept(visit, snapshots)
        name = f"before-reset-{numbers[-1] + 1 if numbers else 1}"
        try:
            await visit.control("POST", snapshots, body={"name": name, "replace": False})
            break
        except Refused as refused:
            if refused.code != "snapshot_exists" or not tries_left:
                raise
    for number in numbers[: 1 - _MOST_KEPT]:
        await _delete(visit, f"{snapshots}/before-reset-{number}")
    return name


async def _numbers_kept(visit: Visit, snapshots: str) -> Sequence[int]:
    """The numbers of the snapshots that resets have kept, sorted."""
    listed = (await visit.control("GET", snapshots)).document["snapshots"]
    found = filter(None, (_KEPT.fullmatch(snapshot["name"]) for snapshot in listed))
    return sorted(int(match[1]) for match in found)


async def _delete(visit: Visit, path: str) -> None:
    """Delete a snapshot, unless somebody else has deleted it meanwhile."""
    try:
        await visit.control("DELETE", path)
    except Refused as refused:
        if refused.code != "snapshot_unknown":
            raise


async def snapshot(visit: Visit) -> Shown | Done:
    slug, name = visit.of_path("slug"), visit.form.get("name", "").strip()
    try:
        await visit.control("POST", f"{_path(slug)}/snapshots", body={"name": name})
    except Refused as refused:
        return await _page(visit, slug, refused.status, fault=_told(refused))
    return Done(f"/lab/{quote(slug, safe='')}", f"The snapshot {name} is made.")


async def restore(visit: Visit) -> Done:
    slug, name = visit.of_path("slug"), visit.form.get("snapshot", "")
    await visit.control("POST", f"{_path(slug)}/restore", body={"snapshot": name})
    return Done(f"/lab/{quote(slug, safe='')}", f"{slug} is as it was in the snapshot {name}.")


async def forget(visit: Visit) -> Done:
    slug, name = visit.of_path("slug"), visit.form.get("snapshot", "")
    await visit.control("DELETE", f"{_path(slug)}/snapshots/{quote(name, safe='')}")
    return Done(f"/lab/{quote(slug, safe='')}", f"The snapshot {name} is deleted.")


async def seed(visit: Visit) -> Shown | Done:
    slug, text = visit.of_path("slug"), visit.form.get("records", "")
    try:
        found = await visit.control("POST", f"{_path(slug)}/seed", body={"records": _records(text)})
    except Refused as refused:
        return await _page(visit, slug, refused.status, fault=_told(refused), seed=text)
    made = sum(map(len, found.document["ids"].values()))
    return Done(
        f"/lab/{quote(slug, safe='')}", f"{made} {'record is' if made == 1 else 'records are'} inserted."
    )


def _records(text: str) -> Any:
    """Raises Refused."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"The records are not JSON: {error}."
        raise Refused(
            400, "body_invalid", message, 'Write them as {"Leads": [{"Last_Name": "Hopper"}]}.'
        ) from None


async def delete(visit: Visit) -> Shown | Done:
    """Delete the organisation, if the person has typed its name."""
    slug = visit.of_path("slug")
    if visit.form.get("slug", "").strip() != slug:
        fault = {"code": "confirm_missing", "message": f"Type {slug} to delete it.", "help": ""}
        return await _page(visit, slug, 400, fault=fault)
    await visit.control("DELETE", _path(slug))
    return Done("/lab", f"The organisation {slug} is deleted.")


def _path(slug: str) -> str:
    return f"/organisations/{quote(slug, safe='')}"


def _told(refused: Refused) -> Mapping[str, str]:
    return {"code": refused.code, "message": refused.message, "help": refused.help}


PAGES: tuple[Page, ...] = (
    get("/lab", index, _READ),
    post("/lab", create, _WRITE),
    get("/lab/{slug}", show, _READ),
    post("/lab/{slug}/reset", reset, _WRITE),
    post("/lab/{slug}/snapshots", snapshot, _WRITE),
    post("/lab/{slug}/restore", restore, _WRITE),
    post("/lab/{slug}/forget", forget, _WRITE),
    post("/lab/{slug}/seed", seed, _WRITE),
    post("/lab/{slug}/delete", delete, _WRITE),
)
