"""Modules: list, and get with views and related lists [Z module-meta]."""

from typing import Any

from moorage.crm.api.documents import encoded_once, module_named, profiles
from moorage.crm.api.settings import custom_views, related_lists
from moorage.crm.metadata.custom.duplicate_checks import KEY as DUPLICATE_CHECK
from moorage.crm.metadata.custom.row_modules import has_rows
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.rows import relation_in
from moorage.crm.metadata.shown import PROPERTIES
from moorage.crm.metadata.spelling import unknown_module
from moorage.crm.metadata.times import instant
from moorage.crm.records.reading import since_header
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import not_one_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

STATUSES = ("visible", "user_hidden", "system_hidden", "scheduled_for_deletion")

_SHARED: dict[str, Any] = {
    "has_more_profiles": False,
    "public_fields_configured": False,
    "isBlueprintSupported": False,
    "arguments": [],
    "web_link": None,
    "private_profile": None,
}
_ONLY_IN_GET: dict[str, Any] = {
    "$on_demand_properties": [],
    "$field_states": None,
    "per_page": 10,
    "kanban_view": False,
    "kanban_view_supported": True,
    "filter_status": True,
    "filter_supported": True,
    "chart_view": False,
    "chart_view_supported": True,
    "activity_badge": "Disabled",
    "track_current_data": False,
    "zia_view": False,
}


def list_modules(call: Call) -> Response:
    statuses = _statuses(call)
    since = since_header(call)
    metadata = call.organisation.metadata
    modules = [
        module
        for module in metadata.all("module")
        if module.body["status"] in statuses and relation_in(module.body) is None
    ]
    if since is not None:
        changed = [module for module in modules if _modified(metadata, module) >= since]
        return answer({"modules": _shown(metadata, changed)}) if changed else Response(304)
    if not modules:
        return no_content()
    return encoded_once(call, ("modules", statuses), lambda: {"modules": _shown(metadata, modules)})


def get_module(call: Call) -> Response:
    metadata, name = call.organisation.metadata, call.path["module"]
    module = module_named(metadata, name) or metadata.find("module", whole_id(name) or 0)
    if module is None or relation_in(module.body) is not None:
        raise unknown_module(metadata, name, {"resource_path_index": 2})
    return encoded_once(call, module.id, lambda: {"modules": [_whole(metadata, module)]})


def _statuses(call: Call) -> frozenset[str]:
    text = call.params.get("status")
    if text is None:
        return frozenset(STATUSES)
    statuses = frozenset(word.strip() for word in text.split(","))
    if not statuses <= set(STATUSES):
        raise not_one_of("status", STATUSES)
    return statuses


def _modified(metadata: Metadata, module: Document) -> int:
    """When a module was last changed, in seconds since the epoch: at first, when the organisation was made."""
    return instant(module.body["modified_time"] or metadata.org["created_time"]) or 0


def _shown(metadata: Metadata, modules: list[Document]) -> list[dict[str, Any]]:
    return [_module(metadata, module) for module in modules]


def _module(metadata: Metadata, module: Document) -> dict[str, Any]:
    hidden = {"display_field", DUPLICATE_CHECK}
    body = {key: value for key, value in module.body.items() if key not in hidden}
    access = profiles(metadata)
    has_records = body["api_supported"] and bool(metadata.all("field", module.id))
    return {
        **_SHARED,
        **body,
        "api_supported": has_records,  # Clients that walk through all modules skip tabs without records by this.
        "actual_singular_label": body["singular_label"],
        "actual_plural_label": body["plural_label"],
        "global_search_supported": has_records and body["generated_type"] == "default",
        "lookupable": has_records and body["creatable"] and not has_rows(module),
        "profile_count": len(access),
        "profiles": access,
    }


def _whole(metadata: Metadata, module: Document) -> dict[str, Any]:
    fields = {field.name: field.body for field in metadata.all("field", module.id)}
    views = metadata.all("custom_view", module.id)
    default = next((custom_views.whole(view) for view in views if view.body["default"]), None)
    columns = [column["api_name"] for column in default["fields"]] if default else []
    return {
        **_module(metadata, module),
        **_ONLY_IN_GET,
        "$properties": list(PROPERTIES) if fields else [],
        "display_field": module.body["display_field"],
        "search_layout_fields": columns,
        "business_card_fields": columns[: module.body["business_card_field_limit"]],
        "lookup_field_properties": {
            "fields": [
                {"sequence_number": number, "api_name": name, "id": fields[name]["id"]}
                for number, name in enumerate(columns[:2], 1)
            ]
        },
        "related_list_properties": {"sort_by": None, "fields": columns, "sort_order": None},
        "custom_view": default,
        "related_lists": [
            related_lists.shown(document) for document in metadata.all("related_list", module.id)
        ],
    }


_READ = ("ZohoCRM.settings.modules.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/modules", list_modules, _READ),
    Route("GET", "/crm/v8/settings/modules/{module}", get_module, _READ),
)
