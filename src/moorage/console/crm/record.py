"""A record: its values by its layout, and tabs with all that belongs to it."""

import asyncio
from typing import Any

import msgspec

from moorage.console.crm.fields import USERS, Field
from moorage.console.crm.layouts import Layout, layout_for, layouts_of
from moorage.console.crm.place import API, Place, module_of, named, place_of, record_of
from moorage.console.crm.related import lists_of, tab_of
from moorage.console.places import APP
from moorage.console.recipes import curl
from moorage.console.visit import Page, Shown, Visit, get
from moorage.http.errors import NotFound

_OWN_TABS = ("", "json", "put")


async def show(visit: Visit) -> Shown:
    place = await place_of(visit)
    name, identity = module_of(visit), record_of(visit)
    module, layouts, lists, record = await asyncio.gather(
        place.module(name), layouts_of(place, name), lists_of(place, name), record_in(place, name, identity)
    )
    layout = layout_for(layouts, (record.get("Layout") or {}).get("id"))
    tab = visit.query.get("tab", "")
    if tab not in _OWN_TABS and tab != "timeline" and tab not in {each["api_name"] for each in lists}:
        raise NotFound(f"The record has no tab {tab!r:.100}.", help="Choose one of its tabs.")
    values = {
        **heading(place, module, record),
        "tab": tab,
        "lists": lists,
        "record": record,
        "groups": _sections(layout),
        "put": _put(visit, place, name, identity, record, layout) if tab == "put" else None,
        "part": await tab_of(place, name, identity, tab, lists) if tab not in _OWN_TABS else None,
    }
    return Shown("crm/record.html", values)


async def record_in(place: Place, module: str, identity: str) -> dict[str, Any]:
    """A whole record. Raises NotFound."""
    document = (await place.read(f"/{module}/{identity}")).document
    if not document or not document.get("data"):
        raise NotFound(f"There is no record {identity} in {module}.", help="It may be in the recycle bin.")
    return dict(document["data"][0])


def heading(place: Place, module: Any, record: dict[str, Any]) -> dict[str, Any]:
    """What all pages about a record have at their top."""
    name = record.get(str(module.get("display_field") or "")) or record.get("id")
    return {
        **place.values(),
        "module": named(module),
        "record_id": record.get("id"),
        "record_name": name,
        "has_photo": "Record_Image" in record,
        "photo": record.get("Record_Image"),
    }


def _sections(layout: Layout) -> list[dict[str, Any]]:
    return [
        {"title": title, "fields": [field.document() for field in fields if field.type != "profileimage"]}
        for title, fields in layout.sections
    ]


def _put(
    visit: Visit, place: Place, module: str, identity: str, record: dict[str, Any], layout: Layout
) -> str:
    """The command of a shell that writes the record as it is."""
    body = {
        field.name: _sent(field, record.get(field.name))
        for field in layout.fields.values()
        if field.in_updates
    }
    sent = msgspec.json.format(msgspec.json.encode({"data": [body]}), indent=2).decode()
    return curl("PUT", f"{visit.base_url}/{APP}{API}/{module}/{identity}", place.id, sent)


def _sent(field: Field, value: Any) -> Any:
    if field.type in {"lookup", *USERS} and isinstance(value, dict):
        return {"id": value.get("id")}
    return value


PAGES: tuple[Page, ...] = (get("/crm/{connection}/{module}/{record}", show),)
