"""The values that a mass update gives to many records [Z mass-update]."""

from typing import Any

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.prepare import required, updatable
from moorage.crm.wire.call import Call

# Values that belong to one record, or that decide more than a value.
_SINGLE = frozenset({"email", "lookup", "multi_module_lookup", "ownerlookup", "textarea", "layout"})
_MOST = {"Deals": 3}


def mass_values(call: Call, module: Module, body: JsonObject) -> dict[str, Any]:
    """The one element of `data`: one field, or three of a deal. Raises the Fault of values that no record can have."""
    elements = body.items("data", 1)
    if not elements:
        raise body.missing("data")
    (element,) = elements
    values: dict[str, Any] = body.raw("data")[0]
    if not values:
        raise body.fault("INVALID_DATA", "No field found", "data")
    if len(values) > _MOST.get(module.api_name, 1):
        raise body.fault("INVALID_DATA", "Max field limit exceeded", "data")
    for name in values:
        field = module.fields.get(name)
        if field is None:
            raise element.fault("INVALID_DATA", "No field found", name)
        if not _is_for_many(call, field):
            raise element.invalid(name)
    required(updatable(call.organisation.catalog, module, values, element.path).update)
    return values


def _is_for_many(call: Call, field: Field) -> bool:
    document = call.organisation.metadata.find("field", field.id)
    allowed = document is not None and document.body["mass_update"]
    one_value = not field.unique and field.storage not in {"rows", "tags", "json", "personal"}
    return bool(allowed and one_value and field.updatable and field.data_type not in _SINGLE)
