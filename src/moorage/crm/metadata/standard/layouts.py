"""The Standard layout of a module. It names its fields by id; `api/layouts.py` shows them whole."""

from collections.abc import Mapping
from typing import Any

from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.standard.draft import Body, Draft
from moorage.crm.metadata.standard.standard_modules import standard


def add_layout(draft: Draft, module: dict[str, Any], fields: Mapping[str, Body]) -> None:
    layout = standard()["layout"]
    body = {
        "id": draft.new_id(fixed_ids.LAYOUTS.get(module["api_name"])),
        "name": layout["name"],
        "display_label": layout["display_label"],
        "api_name": layout["name"],
        "status": layout["status"],
        "visible": True,
        "generated_type": layout["generated_type"],
        "sections": [_section(draft, section, module, fields) for section in _ordered(module["sections"])],
    }
    draft.add("layout", layout["name"], body, module["api_name"])


def _section(
    draft: Draft, section: dict[str, Any], module: dict[str, Any], fields: Mapping[str, Body]
) -> Body:
    inside = _ordered([f for f in module["fields"] if f["section"] == section["display_label"]])
    return {
        "id": draft.new_id(),
        "name": section["display_label"],
        "display_label": section["display_label"],
        "api_name": section["api_name"],
        "sequence_number": section["sequence_number"],
        "column_count": section["column_count"],
        "isSubformSection": section["isSubformSection"],
        "fields": [fields[f["api_name"]]["id"] for f in inside],
    }


def _ordered(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(parts, key=lambda part: part["sequence_number"])
