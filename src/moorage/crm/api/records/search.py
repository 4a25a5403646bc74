"""Search and count: by criteria, e-mail, phone or word [Z search-records]."""

from collections.abc import Awaitable

from moorage.crm.api.documents import module_named
from moorage.crm.api.records.told_keys import with_told
from moorage.crm.faults import Fault, param_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.query.check import check
from moorage.crm.query.search_criteria import parse
from moorage.crm.query.word_search import email_search, phone_search, word_search
from moorage.crm.records.access import visible
from moorage.crm.records.reading import (
    NOTHING,
    any_order,
    context_of,
    converted_filter,
    module_of,
    view_filter,
)
from moorage.crm.storage.contract.records import Filter, Page, Window
from moorage.crm.wire.call import Call, answer, data_answer, no_content, then
from moorage.crm.wire.parameters import field_names, one_of, page_and_size
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

LIMIT = 2_000
FAMILIES = ("criteria", "email", "phone", "word")
_SEARCHES = {"email": email_search, "phone": phone_search, "word": word_search}
APPROVAL_STATES = (
    "approved",
    "approval_process_pending",
    "approval_process_rejected",
    "review_process_pending",
    "review_process_rejected",
    "webform_unapproved",
    "webform_invalid",
    "webform_invalid_approval",
    "webform_double_optin",
    "zia_vision_pending",
    "zia_vision_rejected",
    "zia_vision_validation",
    "merge_pending",
    "email_parser_waiting",
    "email_parser_rejected",
)


def search(call: Call) -> Response | Awaitable[Response]:
    module = _searchable_module(call, "module not suppoted for search")
    query = _query(call, module)
    if query is None:
        details = {"param_names": list(FAMILIES)}
        raise Fault(400, "EXPECTED_PARAM_MISSING", "one of the expected parameter is missing", details)
    page, size = page_and_size(call.params)
    if page * size > LIMIT:
        raise Fault(400, "LIMIT_REACHED", "maximum response iteration limit reached", {"limit": str(LIMIT)})
    filters = [query, *_narrowing(call, module)]
    order = any_order(module, call.params.get("sort_by", "id"), call.params.get("sort_order", "desc"))
    shown = shape(module, field_names(call.params) or None)
    records = call.store.page(module, shown, filters, order, Window(size, offset=(page - 1) * size))

    def show(result: Page) -> Response:
        if not result.count:
            return no_content()
        info = {
            "per_page": size,
            "count": result.count,
            "sort_by": order.field.api_name,
            "page": page,
            "sort_order": "desc" if order.descending else "asc",
            "more_records": result.more,
        }
        return data_answer(result.data, info)

    return then(with_told(call, module, shown, records), show)


def _searchable_module(call: Call, unsupported: str) -> Module:
    """The module that the path names. Raises the Fault for an unknown module, or for a tab without records."""
    name = call.path["module"]
    if name not in call.organisation.catalog.modules and module_named(call.organisation.metadata, name):
        raise Fault(400, "NOT_SUPPORTED", unsupported, {"module": name})
    return module_of(call)


def _query(call: Call, module: Module) -> Filter | None:
    """The search that the parameters ask for. Of several, Zoho takes the first of `FAMILIES` and ignores the others."""
    family = next((name for name in FAMILIES if call.params.get(name)), None)
    if family is None:
        return None
    text = call.params[family]
    if family == "criteria":
        return check(parse(text), module, context_of(call))
    if "\0" in text or not text.strip():
        raise param_invalid(family)
    return _SEARCHES[family](module, text)


def _narrowing(call: Call, module: Module) -> list[Filter]:
    filters = [*visible(call, module), *converted_filter(call, module), *view_filter(call, module)]
    if one_of(call.params, "approval_state", APPROVAL_STATES, "approved") != "approved":
        filters.append(NOTHING)
    return filters


async def count(call: Call) -> Response:
    module = _searchable_module(call, "the given module is not supported for count")
    query = _query(call, module)
    if query is not None and "cvid" in call.params:
        family = next(name for name in FAMILIES if call.params.get(name))
        message = "Please use either Cvid or Search Params. Combination of both the params is not allowed"
        details = {"ambiguity_due_to": [{"param_name": "cvid"}, {"param_name": family}]}
        raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, details)
    filters = _narrowing(call, module)
    if query is not None:
        filters.append(query)
    return answer({"count": await call.store.count(module, filters)})


_SEARCH = ("ZohoCRM.modules.{module}.READ", "ZohoSearch.securesearch.READ")
_COUNT = (*_SEARCH, "ZohoCRM.settings.layouts.READ")

ROUTES = (
    Route("GET", "/crm/v8/{module}/search", search, _SEARCH),
    Route("GET", "/crm/v8/{module}/actions/count", count, _COUNT),
    Route("POST", "/crm/v8/{module}/actions/count", count, _COUNT),
)
