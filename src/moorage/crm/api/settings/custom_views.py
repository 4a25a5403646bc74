"""Custom views of a module: list, and get with criteria and columns [Z custom-view-meta]."""

from typing import Any

from moorage.crm.api.documents import document_in_path, module_parameter
from moorage.crm.metadata.custom.views import category, is_seen
from moorage.crm.metadata.documents import Document
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import page_and_size, page_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_OF_THE_SYSTEM = {
    "system_defined": True,
    "access_type": "public",
    "locked": False,
    **dict.fromkeys(("created_time", "modified_time", "last_accessed_time"), None),
    **dict.fromkeys(("created_by", "modified_by", "favorite"), None),
}
_ONLY_IN_GET = {"criteria", "fields", "sort_by", "sort_order", "shared_to"}
_CATEGORIES = {
    "public_views": "Public Views",
    "created_by_me": "Created By Me",
    "shared_with_me": "Shared With Me",
    "other_users_views": "Other Users' Views",
}


def list_custom_views(call: Call) -> Response:
    module = module_parameter(call)
    page, size = page_and_size(call.params)
    metadata, user = call.organisation.metadata, call.caller.user
    views = [view for view in metadata.all("custom_view", module.id) if is_seen(metadata, view, user)]
    shown, info = page_of(views, page, size)
    if not shown:
        return no_content()
    default = next((str(view.id) for view in views if view.body["default"]), None)
    info |= {"default": default, "translation": _CATEGORIES}
    return answer({"custom_views": [_brief(call, view) for view in shown], "info": info})


def get_custom_view(call: Call) -> Response:
    module = module_parameter(call)
    view = document_in_path(call, "custom_view", 2, module.id)
    if view is None or not is_seen(call.organisation.metadata, view, call.caller.user):
        return no_content()
    return answer({"custom_views": [_shown(call, view)]})


def whole(view: Document) -> dict[str, Any]:
    """A view as every user sees it."""
    return {**_OF_THE_SYSTEM, "category": "public_views", "shared_to": None} | view.body


def _shown(call: Call, view: Document) -> dict[str, Any]:
    """A view as the caller sees it."""
    return whole(view) | {"category": category(call.organisation.metadata, view, call.caller.user)}


def _brief(call: Call, view: Document) -> dict[str, Any]:
    return {key: value for key, value in _shown(call, view).items() if key not in _ONLY_IN_GET}


_READ = ("ZohoCRM.settings.custom_views.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/custom_views", list_custom_views, _READ),
    Route("GET", "/crm/v8/settings/custom_views/{id}", get_custom_view, _READ),
)
