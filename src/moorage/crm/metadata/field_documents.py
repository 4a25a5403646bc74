"""The documents of fields. `api/settings/fields.py` adds the members that are the same for all fields."""

from collections.abc import Mapping

from moorage.crm.metadata.definitions import FieldDefinition, Ids, PickListValue
from moorage.crm.metadata.documents import Body

_KEYS = (
    "api_name",
    "field_label",
    "display_label",
    "data_type",
    "json_type",
    "length",
    "decimal_place",
    "system_mandatory",
    "read_only",
    "field_read_only",
    "searchable",
    "sortable",
    "filterable",
    "visible",
    "custom_field",
    "display_field",
    "mass_update",
    "view_type",
    "operation_type",
    "default_value",
)
_UI_TYPES = {
    "text": 1,
    "picklist": 2,
    "textarea": 3,
    "ownerlookup": 8,
    "website": 21,
    "date": 24,
    "email": 25,
    "integer": 32,
    "phone": 33,
    "percent": 34,
    "currency": 36,
    "double": 38,
    "bigint": 52,
    "profileimage": 66,
    "multiselectpicklist": 100,
    "formula": 116,
    "rollup_summary": 118,
    "lookup": 133,
    "boolean": 301,
    "datetime": 333,
    "multiselectlookup": 444,
    "subform": 500,
    "fileupload": 555,
    "imageupload": 556,
}
_UI_TYPES_BY_NAME = {
    "First_Name": 27,
    "Last_Name": 127,
    "Fax": 35,
    "Skype_ID": 37,
    "Twitter": 22,
    "Created_By": 20,
    "Modified_By": 20,
    "Created_Time": 200,
    "Modified_Time": 200,
    "Last_Activity_Time": 786,
    "Tag": 209,
}
_TEXTAREA_UI_TYPES = {2000: 110, 50_000: 250}


def field_document(definition: FieldDefinition, id_: str, ids: Ids, categories: Mapping[str, str]) -> Body:
    """The body of a field's document. `categories` are the ids of the forecast categories by name."""
    body = {
        "id": id_,
        **{key: getattr(definition, key) for key in _KEYS},
        "ui_type": _ui_type(definition),
        "pick_list_values": [choice(value, ids, categories) for value in definition.pick_list_values],
        **_references(definition, ids),
        **definition.more,
        **{key: value for key, value in _specifics(definition).items() if key not in definition.more},
    }
    if definition.custom_field:
        body["created_source"] = "custom"
    return body


def _ui_type(definition: FieldDefinition) -> int:
    if definition.custom_field:
        if definition.data_type == "textarea":
            return _TEXTAREA_UI_TYPES.get(definition.length or 0, _UI_TYPES["textarea"])
        return _UI_TYPES.get(definition.data_type, 1)
    by_name = _UI_TYPES_BY_NAME.get(definition.api_name)
    return by_name if by_name is not None else _UI_TYPES.get(definition.data_type, 1)


def choice(value: PickListValue, ids: Ids, categories: Mapping[str, str]) -> Body:
    """The element of `pick_list_values`."""
    body: Body = {
        "display_value": value.display_value,
        "actual_value": value.actual_value,
        "reference_value": value.actual_value,
        "sequence_number": value.sequence_number,
        "id": ids.new_id(),
        "type": value.type,
    }
    if value.colour_code is not None:
        body["colour_code"] = value.colour_code
    if value.forecast_category is not None:
        category = value.forecast_category
        body["probability"] = value.probability
        body["forecast_category"] = {"name": category, "id": categories[category]}
        body["forecast_type"] = value.forecast_type
    return body


def _references(definition: FieldDefinition, ids: Ids) -> Body:
    """The members that point to other modules."""
    references: Body = {}
    lookup, label = definition.lookup, definition.display_label
    several = definition.multi_module_lookup.modules if definition.multi_module_lookup else None
    if lookup is not None:
        references["lookup"] = {
            "display_label": lookup.display_label or label,
            "revalidate_filter_during_edit": False,
            "api_name": lookup.api_name,
            "module": ids.module(lookup.module),
            "id": ids.new_id(),
            "query_details": {},
        }
        several = several or lookup.modules
    if several is not None:
        references["multi_module_lookup"] = {
            "display_label": label,
            "api_name": definition.api_name,
            "modules": [ids.module(name) | {"module_name": name} for name in several],
        }
    if definition.subform is not None:
        module = ids.module(definition.subform.module)
        references["associated_module"] = {"module": module["api_name"], "id": module["id"]}
    return references


def _specifics(definition: FieldDefinition) -> Body:
    """The keys that only some types of field have."""
    data_type, specifics = definition.data_type, Body()
    if data_type == "currency":
        specifics["currency"] = {"rounding_option": "normal", "precision": 2}
        specifics["decimal_place"] = definition.decimal_place or 2
    elif data_type == "formula":
        specifics["formula"] = {"return_type": "currency", "expression": None, "dynamic": False}
    elif data_type == "autonumber":
        specifics["auto_number"] = {"prefix": None, "suffix": None, "start_number": 1}
    elif data_type == "textarea":
        specifics["textarea"] = {"type": "small" if (definition.length or 0) <= 2000 else "large"}
    if data_type == "subform" or definition.api_name == "Full_Name":
        specifics["virtual_field"] = True
    holds_objects = definition.json_type == "jsonarray" and data_type in {"text", "bigint"}
    if holds_objects and definition.api_name != "Tag":
        specifics["searchable"] = False  # No condition can compare arrays of objects.
    return specifics
