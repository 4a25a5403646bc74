"""The fields of a module. What all fields share is left out: `api/fields.py` adds it when it answers."""

from collections.abc import Mapping
from typing import Any

from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.standard.draft import Body, Draft

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
    "lookup": 133,
    "boolean": 301,
    "datetime": 333,
    "subform": 500,
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
# Where the values of a lead go when it is converted: field of the lead to fields of the new records.
_CONVERSION: dict[str, dict[str, str]] = {
    "Company": {"Accounts": "Account_Name"},
    "First_Name": {"Contacts": "First_Name"},
    "Last_Name": {"Contacts": "Last_Name"},
    "Full_Name": {"Contacts": "Full_Name"},
    "Salutation": {"Contacts": "Salutation"},
    "Designation": {"Contacts": "Title"},
    "Email": {"Contacts": "Email"},
    "Secondary_Email": {"Contacts": "Secondary_Email"},
    "Email_Opt_Out": {"Contacts": "Email_Opt_Out"},
    "Phone": {"Contacts": "Phone", "Accounts": "Phone"},
    "Fax": {"Contacts": "Fax", "Accounts": "Fax"},
    "Mobile": {"Contacts": "Mobile"},
    "Skype_ID": {"Contacts": "Skype_ID"},
    "Twitter": {"Contacts": "Twitter"},
    "Website": {"Accounts": "Website"},
    "Industry": {"Accounts": "Industry"},
    "Annual_Revenue": {"Accounts": "Annual_Revenue"},
    "No_of_Employees": {"Accounts": "Employees"},
    "Rating": {"Accounts": "Rating"},
    "Lead_Source": {"Contacts": "Lead_Source", "Deals": "Lead_Source"},
    "Street": {"Contacts": "Mailing_Street", "Accounts": "Billing_Street"},
    "City": {"Contacts": "Mailing_City", "Accounts": "Billing_City"},
    "State": {"Contacts": "Mailing_State", "Accounts": "Billing_State"},
    "Zip_Code": {"Contacts": "Mailing_Zip", "Accounts": "Billing_Code"},
    "Country": {"Contacts": "Mailing_Country", "Accounts": "Billing_Country"},
    "Description": {"Contacts": "Description"},
}


def add_fields(
    draft: Draft, module: dict[str, Any], unique: frozenset[str], categories: Mapping[str, str]
) -> dict[str, Body]:
    """The bodies by API name. `categories` are the ids of the forecast categories by name."""
    bodies: dict[str, Body] = {}
    for source in module["fields"]:
        body = {
            "id": draft.new_id(fixed_ids.FIELDS.get((module["api_name"], source["api_name"]))),
            **{key: source[key] for key in _KEYS},
            "ui_type": _ui_type(source),
            "pick_list_values": [_choice(draft, value, categories) for value in source["pick_list_values"]],
            **_references(draft, source),
            **_specifics(module["api_name"], source),
        }
        if f"{module['api_name']}.{source['api_name']}" in unique:
            body["unique"] = {"case_sensitive": False}
        bodies[source["api_name"]] = body
    _resolve_maps(module, bodies)
    for name, body in bodies.items():
        draft.add("field", name, body, module["api_name"])
    return bodies


def _ui_type(source: dict[str, Any]) -> int:
    by_name = _UI_TYPES_BY_NAME.get(source["api_name"])
    return by_name if by_name is not None else _UI_TYPES.get(source["data_type"], 1)


def _choice(draft: Draft, value: dict[str, Any], categories: Mapping[str, str]) -> Body:
    choice = {
        "display_value": value["display_value"],
        "actual_value": value["actual_value"],
        "reference_value": value["actual_value"],
        "sequence_number": value["sequence_number"],
        "id": draft.new_id(),
        "type": value["type"],
    }
    if "probability" in value:
        category = value["forecast_category"]
        choice["probability"] = value["probability"]
        choice["forecast_category"] = {"name": category, "id": categories[category]}
        choice["forecast_type"] = value["forecast_type"]
    return choice


def _references(draft: Draft, source: dict[str, Any]) -> Body:
    """What points to other modules."""
    references: Body = {}
    lookup, several = source["lookup"], source.get("multi_module_lookup")
    label = source["display_label"]
    if lookup:
        references["lookup"] = {
            "display_label": label,
            "revalidate_filter_during_edit": False,
            "api_name": lookup["api_name"],
            "module": draft.module(lookup["module"]),
            "id": draft.new_id(),
            "query_details": {},
        }
        several = several or ({"modules": lookup["modules"]} if "modules" in lookup else None)
    if several:
        modules = [draft.module(name) | {"module_name": name} for name in several["modules"]]
        references["multi_module_lookup"] = {
            "display_label": label,
            "api_name": source["api_name"],
            "modules": modules,
        }
    if subform := source.get("subform"):
        name = subform["module"]
        references["associated_module"] = {"module": name, "id": draft.modules[name]}
    return references


def _specifics(module: str, source: dict[str, Any]) -> Body:
    """The keys only some types of field have."""
    data_type = source["data_type"]
    if module == "Leads":
        targets = _CONVERSION.get(source["api_name"], {})
        mapping = {target: targets.get(target) for target in ("Contacts", "Deals", "Accounts")}
        specifics: Body = {"convert_mapping": mapping}
    else:
        specifics = {}
    if data_type == "currency":
        specifics["currency"] = {"rounding_option": "normal", "precision": 2}
        specifics["decimal_place"] = source["decimal_place"] or 2
    elif data_type == "formula":
        specifics["formula"] = {"return_type": "currency", "expression": None, "dynamic": False}
    elif data_type == "autonumber":
        specifics["auto_number"] = {"prefix": None, "suffix": None, "start_number": 1}
    elif data_type == "textarea":
        specifics["textarea"] = {"type": "small" if source["length"] <= 2000 else "large"}
    if data_type == "subform" or source["api_name"] == "Full_Name":
        specifics["virtual_field"] = True
    if source["json_type"] == "jsonarray" and data_type in {"text", "bigint"} and source["api_name"] != "Tag":
        specifics["searchable"] = False  # Arrays of objects, of which no condition can speak.
    return specifics


def _resolve_maps(module: dict[str, Any], bodies: dict[str, Body]) -> None:
    """Show each pipeline's stages, which the data file names, with the ids they were given."""
    for source in module["fields"]:
        for value, choice in zip(
            source["pick_list_values"], bodies[source["api_name"]]["pick_list_values"], strict=True
        ):
            if "maps" not in value:
                continue
            stages = {stage["display_value"]: stage for stage in bodies["Stage"]["pick_list_values"]}
            keys = ("display_value", "actual_value", "sequence_number", "id")
            values = [{key: stages[name][key] for key in keys} for name in value["maps"]]
            choice["maps"] = [{"api_name": "Stage", "pick_list_values": values}]
