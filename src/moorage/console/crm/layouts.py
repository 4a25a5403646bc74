"""Layouts: which fields of a record are shown together, and in which order."""

from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.console.crm.fields import Field, field_of
from moorage.console.crm.place import Place


class Layout(msgspec.Struct, frozen=True):
    """`sections` have a title and fields; `required` are the names of fields that need a value."""

    id: str
    name: str
    sections: list[tuple[str, list[Field]]]
    required: frozenset[str]

    @property
    def fields(self) -> dict[str, Field]:
        return {field.name: field for _, fields in self.sections for field in fields}


async def layouts_of(place: Place, module: str) -> list[Layout]:
    """The layouts that records of a module can have. A module without any has one with all its fields."""
    found = (await place.described("/settings/layouts", {"module": module})).get("layouts") or ()
    layouts = [_layout(document) for document in found if document.get("status", "active") == "active"]
    if layouts:
        return layouts
    fields = await place.fields(module)
    return [Layout("", "", [("Fields", list(fields.values()))], frozenset())]


def layout_for(layouts: list[Layout], identity: Any) -> Layout:
    return next((layout for layout in layouts if layout.id == identity), layouts[0])


def _layout(document: Mapping[str, Any]) -> Layout:
    sections, required = [], set()
    for section in document.get("sections") or ():
        fields = [field_of(field) for field in section.get("fields") or ()]
        required |= {str(f.get("api_name")) for f in section.get("fields") or () if f.get("required")}
        title = section.get("display_label") or section.get("name") or section.get("api_name") or ""
        if fields:
            sections.append((str(title), fields))
    return Layout(str(document.get("id")), str(document.get("name") or ""), sections, frozenset(required))
