"""The Standard layout of a module. It names its fields by id; `api/settings/layouts.py` shows them whole."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.definitions import FieldDefinition, ModuleDefinition, SectionDefinition
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.layout_documents import layout_document, section_body
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.standard_modules import standard

T = TypeVar("T", SectionDefinition, FieldDefinition)


def add_layout(draft: BlueprintDraft, module: ModuleDefinition, fields: Mapping[str, Body]) -> None:
    layout = standard().layout
    id_ = draft.new_id(fixed_ids.LAYOUTS.get(module.api_name))
    sections = [_section(draft, section, module, fields) for section in _ordered(module.sections)]
    draft.add("layout", layout.name, layout_document(layout, id_, sections), module.api_name)


def _section(
    draft: BlueprintDraft, section: SectionDefinition, module: ModuleDefinition, fields: Mapping[str, Body]
) -> Body:
    section_fields = _ordered(field for field in module.fields if field.section == section.display_label)
    return section_body(section, draft.new_id(), [fields[field.api_name]["id"] for field in section_fields])


def _ordered(parts: Iterable[T]) -> list[T]:
    return sorted(parts, key=lambda part: part.sequence_number)
