"""The fields of a standard module."""

from collections.abc import Mapping

from msgspec.structs import replace

from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.definitions import FieldDefinition, ModuleDefinition
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.field_documents import field_document
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.standard_modules import standard

# Where the values of a converted lead go: fields of the new records, by field of the lead.
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
    **{name: {"Accounts": name, "Deals": name} for name in ("Currency", "Exchange_Rate")},
}


def add_fields(
    draft: BlueprintDraft, module: ModuleDefinition, unique: frozenset[str], categories: Mapping[str, str]
) -> dict[str, Body]:
    """The bodies by API name. `categories` are the ids of the forecast categories by name."""
    bodies: dict[str, Body] = {}
    for definition in module.fields:
        name = definition.api_name
        id_ = draft.new_id(fixed_ids.FIELDS.get((module.api_name, name)))
        body = field_document(_converted(definition, module), id_, draft, categories)
        if f"{module.api_name}.{name}" in unique:
            body["unique"] = {"case_sensitive": False}
        bodies[name] = body
    _resolve_maps(module, bodies)
    for name, body in bodies.items():
        draft.add("field", name, body, module.api_name)
    return bodies


def fields_of_feature(feature: str) -> Mapping[str, tuple[FieldDefinition, ...]]:
    """By module, the fields of records that an organisation gets with a feature."""
    by_module = {
        module.api_name: tuple(
            _converted(field, module) for field in module.fields if field.requires_feature == feature
        )
        for module in standard().optional
    }
    return {name: fields for name, fields in by_module.items() if fields}


def _converted(definition: FieldDefinition, module: ModuleDefinition) -> FieldDefinition:
    """Say in a field of leads where its value goes when a lead is converted."""
    if module.api_name != "Leads":
        return definition
    targets = _CONVERSION.get(definition.api_name, {})
    mapping = {target: targets.get(target) for target in ("Contacts", "Deals", "Accounts")}
    return replace(definition, more={"convert_mapping": mapping})


def _resolve_maps(module: ModuleDefinition, bodies: dict[str, Body]) -> None:
    """Show each pipeline's stages, which its definition names, with the ids they were given."""
    for definition in module.fields:
        choices = bodies[definition.api_name]["pick_list_values"]
        for value, choice in zip(definition.pick_list_values, choices, strict=True):
            if not value.maps:
                continue
            stages = {stage["display_value"]: stage for stage in bodies["Stage"]["pick_list_values"]}
            keys = ("display_value", "actual_value", "sequence_number", "id")
            values = [{key: stages[name][key] for key in keys} for name in value.maps]
            choice["maps"] = [{"api_name": "Stage", "pick_list_values": values}]
