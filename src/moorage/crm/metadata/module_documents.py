"""The documents of modules."""

from moorage.crm.metadata.definitions import Ids, ModuleDefinition
from moorage.crm.metadata.documents import Body

_KEYS = (
    "api_name",
    "module_name",
    "singular_label",
    "plural_label",
    "generated_type",
    "api_supported",
    "status",
    "visibility",
    "sequence_number",
    "creatable",
    "editable",
    "deletable",
    "viewable",
    "convertable",
    "quick_create",
    "show_as_tab",
    "presence_sub_menu",
    "sub_menu_available",
    "feeds_required",
    "recycle_bin_on_delete",
    "business_card_field_limit",
    "access_type",
    "description",
)


def module_document(
    definition: ModuleDefinition, id_: str, ids: Ids, modified_time: str | None = None
) -> Body:
    """The body of a module's document. Without `modified_time` the module is as old as its organisation."""
    parent = definition.parent_module
    return {
        "id": id_,
        **{key: getattr(definition, key) for key in _KEYS},
        "parent_module": ids.module(parent) if parent else {},
        "display_field": definition.display_field,
        "modified_by": None,
        "modified_time": modified_time,
    }
