"""Related lists of a module: list and get [Z related-list-meta]."""

from typing import Any

from moorage.crm.api.documents import document_in_path, encoded_once, module_parameter
from moorage.crm.faults import param_invalid
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.ids import whole_id
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_SHARED = {
    "type": "default",
    "status": "visible",
    "action": None,
    **dict.fromkeys(("customize_sort", "customize_fields", "customize_display_label"), True),
    **dict.fromkeys(("connectedmodule", "linkingmodule", "sort_by", "sort_order", "fields"), None),
}


def list_related_lists(call: Call) -> Response:
    module = module_parameter(call)
    _check_layout(call, module)
    lists = call.organisation.metadata.all("related_list", module.id)
    if not lists:
        return no_content()
    return encoded_once(
        call, ("related_lists", module.id), lambda: {"related_lists": [shown(document) for document in lists]}
    )


def get_related_list(call: Call) -> Response:
    module = module_parameter(call)
    document = document_in_path(call, "related_list", 2, module.id)
    return answer({"related_lists": [shown(document)]}) if document else no_content()


def shown(related_list: Document) -> dict[str, Any]:
    return {**_SHARED, **related_list.body}


def _check_layout(call: Call, module: Document) -> None:
    # Every layout shows the same related lists, so it is enough that the layout exists.
    text = call.params.get("layout_id")
    if text is None:
        return
    layout = call.organisation.metadata.find("layout", whole_id(text) or 0)
    if layout is None or layout.module != module.id:
        raise param_invalid("layout_id")


_READ = ("ZohoCRM.settings.related_lists.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/related_lists", list_related_lists, _READ),
    Route("GET", "/crm/v8/settings/related_lists/{id}", get_related_list, _READ),
)
