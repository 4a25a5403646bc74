"""The documents of layouts, which name fields by their ids."""

from collections.abc import Sequence

from moorage.crm.metadata.definitions import LayoutDefinition, SectionDefinition
from moorage.crm.metadata.documents import Body


def layout_document(definition: LayoutDefinition, id_: str, sections: Sequence[Body]) -> Body:
    return {
        "id": id_,
        "name": definition.name,
        "display_label": definition.display_label,
        "api_name": definition.name,
        "status": definition.status,
        "visible": True,
        "generated_type": definition.generated_type,
        "sections": [*sections],
    }


def section_body(definition: SectionDefinition, id_: str, fields: Sequence[str]) -> Body:
    """`fields` are ids, in the order in which the section shows them."""
    return {
        "id": id_,
        "name": definition.display_label,
        "display_label": definition.display_label,
        "api_name": definition.api_name,
        "sequence_number": definition.sequence_number,
        "column_count": definition.column_count,
        "isSubformSection": definition.is_subform_section,
        "fields": [*fields],
    }


def with_field(layout: Body, field: str) -> Body:
    """The layout with another field, at the end of the first section that has several."""
    sections = [{**section, "fields": [*section["fields"]]} for section in layout["sections"]]
    first = min(
        (section for section in sections if not section["isSubformSection"] and len(section["fields"]) > 1),
        key=lambda section: section["sequence_number"],
        default=sections[0],
    )
    first["fields"].append(field)
    return {**layout, "sections": sections}


def with_subform(layout: Body, section: Body) -> Body:
    """The layout with another section, which holds a subform alone, at its end."""
    last = max(known["sequence_number"] for known in layout["sections"])
    return {**layout, "sections": [*layout["sections"], {**section, "sequence_number": last + 1}]}


def without_field(layout: Body, field: str) -> Body:
    """The layout without a field, and without the section of a subform that is left empty."""
    sections = [
        {**section, "fields": [other for other in section["fields"] if other != field]}
        for section in layout["sections"]
    ]
    sections = [section for section in sections if section["fields"] or not section["isSubformSection"]]
    return {**layout, "sections": sections}
