"""Where the value of a custom field of leads goes when a lead is converted [Z convert-lead]."""

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL
from moorage.crm.metadata.documents import Body, Document, Metadata

CONVERTED_TO = ("Contacts", "Deals", "Accounts")


def with_mapping(spec: JsonObject, field: Body, module: Document, metadata: Metadata) -> Body:
    """The field with the `convert_mapping` that is specified. Raises the Fault for fields that can't get its value."""
    mapping = spec.inner("convert_mapping")
    if mapping is None:
        return field
    if module.name != "Leads":
        raise spec.fault("NOT_SUPPORTED", "only leads are converted", "convert_mapping")
    targets = {
        name: _target(mapping, name, field, metadata) for name in CONVERTED_TO if mapping.has_member(name)
    }
    before = field.get("convert_mapping") or dict.fromkeys(CONVERTED_TO)
    return {**field, "convert_mapping": {**before, **targets}}


def _target(mapping: JsonObject, name: str, field: Body, metadata: Metadata) -> str | None:
    """The API name of the field of another module; None for none."""
    api_name = mapping.text(name, LONGEST_LABEL)
    if api_name is None:
        return None
    module = next(module for module in metadata.all("module") if module.name == name)
    target = next((other for other in metadata.all("field", module.id) if other.name == api_name), None)
    if target is None or not target.body["operation_type"]["api_create"]:
        raise mapping.invalid(name)
    if target.body["data_type"] != field["data_type"] or (target.body["length"] or 0) < (
        field["length"] or 0
    ):
        raise mapping.fault("MAPPING_MISMATCH", "the fields have different types or lengths", name)
    return api_name
