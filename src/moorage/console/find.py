"""Finds pages and things by their names: the palette, and its page without scripts."""

from collections.abc import Mapping
from typing import Any

from moorage.console.calls import Refused
from moorage.console.crm.place import Place
from moorage.console.frame import sections_of
from moorage.console.places import name_of, places
from moorage.console.visit import Page, Shown, Visit, get

_MOST = 30


async def show(visit: Visit) -> Shown:
    asked = visit.query.get("q", "").strip()
    entries = [*_sections(visit), *await _connections(visit), *await _keys(visit), *await _modules(visit)]
    found = [entry for entry in entries if asked.casefold() in entry["title"].casefold()]
    return Shown("find.html", {"q": asked, "found": found[:_MOST]})


def _entry(title: str, kind: str, href: str) -> dict[str, str]:
    """`href` is relative to the address of this page."""
    return {"title": title, "kind": kind, "href": href}


def _sections(visit: Visit) -> list[dict[str, str]]:
    return [_entry(section.title, "section", f"../console{section.path}") for section in sections_of(visit)]


async def _connections(visit: Visit) -> list[dict[str, str]]:
    if not visit.may("connections:read"):
        return []
    answer = await visit.control("GET", "/connections", {"limit": 100})
    return [
        _entry(
            _name(connection),
            f"connection of {connection['app']}",
            f"connections/{connection['connection_id']}",
        )
        for connection in answer.document["connections"]
    ]


def _name(connection: Mapping[str, Any]) -> str:
    holder = connection["metadata"].get("organisation")
    name = name_of(connection)
    return f"{name} ({holder})" if holder else name


async def _keys(visit: Visit) -> list[dict[str, str]]:
    if not visit.may("keys:read"):
        return []
    answer = await visit.control("GET", "/keys")
    return [_entry(key["name"], "key", f"keys/{key['id']}") for key in answer.document["keys"]]


async def _modules(visit: Visit) -> list[dict[str, str]]:
    """The modules of the organisation where calls go that name no connection."""
    chosen = (await places(visit)).chosen if visit.sees_values else None
    if chosen is None:
        return []
    place = Place(visit, chosen)
    try:
        found = (await place.described("/settings/modules")).get("modules") or ()
    except Refused:
        return []  # The connection is broken, which its own page tells.
    return [
        _entry(str(module["plural_label"]), f"module of {place.name}", f"crm/{place.id}/{module['api_name']}")
        for module in found
        if module.get("api_supported") and module.get("show_as_tab")
    ]


PAGES: tuple[Page, ...] = (get("/find", show),)
