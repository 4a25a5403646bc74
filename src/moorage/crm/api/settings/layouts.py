"""Layouts of a module: list and get, sections and fields included [Z layouts-meta]."""

from typing import Any

from moorage.crm.api.documents import (
    document_in_path,
    encoded_once,
    module_named,
    module_parameter,
    profiles,
    reference,
)
from moorage.crm.api.settings import fields
from moorage.crm.metadata.custom.dependencies import maps_of
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_SHARED = {
    "source": "crm",
    "show_business_card": True,
    "has_more_profiles": False,
    **dict.fromkeys(("created_for", "created_time", "modified_time", "created_by", "modified_by"), None),
    "actions_allowed": {
        "edit": True,
        "rename": False,
        "clone": True,
        "downgrade": False,
        "delete": False,
        "deactivate": False,
        "set_layout_permissions": True,
    },
}
_SECTION_DEFAULTS = {
    "type": "used",
    "mode": "default_create",
    "tab_traversal": "left_to_right",
    "generated_type": "default",
    "properties": None,
}
# Fields of the deal in the form that converts a lead.
_DEAL_FIELDS = ("Deal_Name", "Amount", "Closing_Date", "Stage", "Pipeline")


def list_layouts(call: Call) -> Response:
    module = module_parameter(call)
    metadata = call.organisation.metadata
    layouts = metadata.all("layout", module.id)
    if not layouts:
        return no_content()
    return encoded_once(
        call,
        ("layouts", module.id),
        lambda: {"layouts": [_layout(metadata, module, layout) for layout in layouts]},
    )


def get_layout(call: Call) -> Response:
    module = module_parameter(call)
    layout = document_in_path(call, "layout", 2, module.id)
    if layout is None:
        return no_content()
    metadata = call.organisation.metadata
    return encoded_once(call, layout.id, lambda: {"layouts": [_layout(metadata, module, layout)]})


def _layout(metadata: Metadata, module: Document, layout: Document) -> dict[str, Any]:
    documents = metadata.all("field", module.id)
    stored = {str(document.id): document.body for document in documents}
    shown = {field["id"]: field for field in fields.shown(metadata, documents)}
    children = _children(metadata, layout, documents)
    sections = []
    for section in layout.body["sections"]:
        section_fields = [
            _in_section(shown[id_], stored[id_], section["sequence_number"], number)
            | _mapped(shown[id_], children.get(id_, []))
            for number, id_ in enumerate(section["fields"], 1)
        ]
        sections.append({**_SECTION_DEFAULTS, **section, "fields": section_fields})
    view = {"name": layout.body["name"], "id": str(layout.id), "type": "layout"}
    return {
        **layout.body,
        **_SHARED,
        "profiles": [
            {"default": True, "_default_view": view, "_default_assignment_view": view, **profile}
            for profile in profiles(metadata)
        ],
        "convert_mapping": _conversion(metadata) if module.body["api_name"] == "Leads" else None,
        "sections": sections,
    }


def _in_section(shown: dict[str, Any], stored: dict[str, Any], section: int, number: int) -> dict[str, Any]:
    """A field in a section; `section` is the section's number in the layout, and `number` the field's in the section.

    `section_id` can't be an id: Zoho's type for it is a 32-bit integer [Z description].
    """
    return {
        **shown,
        "required": stored["system_mandatory"],
        "default_value": stored["default_value"],
        "sequence_number": number,
        "section_id": section,
        "validation_rule": None,
    }


def _children(
    metadata: Metadata, layout: Document, fields: list[Document]
) -> dict[str, list[tuple[dict[str, list[str]], Document]]]:
    """By the id of a field, the fields that depend on it in the layout, each with how its options do."""
    by_id = {str(field.id): field for field in fields}
    children: dict[str, list[tuple[dict[str, list[str]], Document]]] = {}
    for dependency in metadata.all("map_dependency", layout.module):
        body = dependency.body
        if body["layout"] == str(layout.id):
            children.setdefault(body["parent"], []).append((body["values"], by_id[body["child"]]))
    return children


def _mapped(shown: dict[str, Any], children: list[tuple[dict[str, list[str]], Document]]) -> dict[str, Any]:
    """The options of a field with those that they leave to the fields that depend on it."""
    options = []
    for option in shown["pick_list_values"]:
        maps = [
            {"api_name": child.name, "pick_list_values": maps_of(values, option, child)}
            for values, child in children
            if option["id"] in values
        ]
        options.append({**option, "maps": [*option.get("maps", ()), *maps]})
    return {"pick_list_values": options}


def _conversion(metadata: Metadata) -> dict[str, Any]:
    """The layouts of the records that a lead is converted into."""
    mapping: dict[str, Any] = {}
    for name in ("Contacts", "Accounts", "Deals"):
        module = module_named(metadata, name)
        if module is None or not (layouts := metadata.all("layout", module.id)):
            continue
        mapping[name] = reference(layouts[0])
        if name == "Deals":
            mapping[name]["fields"] = [
                {
                    "api_name": field.name,
                    "field_label": field.body["field_label"],
                    "id": field.body["id"],
                    "required": field.body["system_mandatory"],
                }
                for field in metadata.all("field", module.id)
                if field.name in _DEAL_FIELDS
            ]
    return mapping


_READ = ("ZohoCRM.settings.layouts.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/layouts", list_layouts, _READ),
    Route("GET", "/crm/v8/settings/layouts/{id}", get_layout, _READ),
)
