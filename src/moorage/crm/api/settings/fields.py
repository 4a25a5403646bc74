"""Fields of a module: list and get [Z field-meta]."""

from typing import Any

from moorage.crm.api.documents import document_in_path, encoded_once, module_parameter, profiles, reference
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import one_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

# Members of a field that its document can override.
_DEFAULTS: dict[str, Any] = {
    "display_type": -1,
    "type": "used",
    "created_source": "default",
    "virtual_field": False,
    "webhook": True,
    "businesscard_supported": True,
    "separator": False,
    "hipaa_compliance_enabled": False,
    "enable_colour_code": False,
    "colour_code_enabled_by_system": False,
    "pick_list_values_sorted_lexically": False,
    **dict.fromkeys(("hipaa_compliance", "private", "crypt", "tooltip", "global_picklist"), None),
    **dict.fromkeys(("history_tracking", "external", "associated_module", "association_details"), None),
    **dict.fromkeys(("customizable_properties", "convert_mapping", "quick_sequence_number"), None),
    **dict.fromkeys(("created_time", "modified_time"), None),
    **{key: {} for key in ("formula", "currency", "lookup", "multiselectlookup", "multiuserlookup")},
    **{key: {} for key in ("multi_module_lookup", "auto_number", "rollup_summary", "unique")},
    "email_parser": {"fields_update_supported": True, "record_operations_supported": True},
}


def list_fields(call: Call) -> Response:
    module = module_parameter(call)
    usage = one_of(call.params, "type", ("all", "used", "unused"), "used")
    metadata = call.organisation.metadata
    fields = [f for f in metadata.all("field", module.id) if usage in {"all", f.body.get("type", "used")}]
    if not fields:
        return no_content()
    return encoded_once(call, ("fields", module.id, usage), lambda: {"fields": shown(metadata, fields)})


def get_field(call: Call) -> Response:
    module = module_parameter(call)
    field = document_in_path(call, "field", 2, module.id)
    return answer({"fields": shown(call.organisation.metadata, [field])}) if field else no_content()


def shown(metadata: Metadata, fields: list[Document]) -> list[dict[str, Any]]:
    """Fields of one module as the API shows them outside a layout."""
    access = profiles(metadata)
    layouts = _layouts_of_fields(metadata, fields[0].module) if fields else {}
    return [_field(field, access, layouts.get(str(field.id), [])) for field in fields]


def _field(field: Document, access: list[dict[str, Any]], layouts: list[dict[str, Any]]) -> dict[str, Any]:
    body = {key: value for key, value in field.body.items() if key != "default_value"}
    if body["data_type"] == "subform":
        del body["length"]
    writable = body["operation_type"]["api_create"] or body["operation_type"]["api_update"]
    permission = "read_write" if writable else "read_only"
    allowed = [{"permission_type": permission, **profile} for profile in access]
    return {**_DEFAULTS, **body, "layout_associations": layouts, "profiles": allowed}


def _layouts_of_fields(metadata: Metadata, module: int) -> dict[str, list[dict[str, Any]]]:
    """The layouts that show a field, by the field's id."""
    layouts: dict[str, list[dict[str, Any]]] = {}
    for layout in metadata.all("layout", module):
        link = {"api_name": layout.body["api_name"], **reference(layout)}
        for section in layout.body["sections"]:
            for field in section["fields"]:
                layouts.setdefault(field, []).append(link)
    return layouts


_READ = ("ZohoCRM.settings.fields.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/fields", list_fields, _READ),
    Route("GET", "/crm/v8/settings/fields/{id}", get_field, _READ),
)
