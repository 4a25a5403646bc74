"""Read records: list and get [Z get-records], count, and the recycle bin's list [Z get-deleted-records]."""

from collections.abc import Awaitable

from moorage.crm.faults import Fault, ambiguous, param_invalid, param_missing, pattern_not_matched
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import readable, visible
from moorage.crm.records.modules import rules_of
from moorage.crm.records.reading import (
    any_order,
    converted_filter,
    descends,
    module_of,
    record_id,
    since_header,
    view_filter,
)
from moorage.crm.storage.contract.records import (
    Deleted,
    Filter,
    Ids,
    ModifiedSince,
    Order,
    Page,
    Window,
)
from moorage.crm.wire import page_tokens
from moorage.crm.wire.call import JSON, Call, data_answer, no_content, then
from moorage.crm.wire.page_tokens import PagePosition, bound_to, refuse_beyond
from moorage.crm.wire.parameters import field_names, id_list, page_and_size
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

SORTS = ("id", "Created_Time", "Modified_Time")


def list_records(call: Call) -> Response | Awaitable[Response]:
    module = module_of(call)
    allowed = visible(call, module)
    names = _fields(call)
    position = _position(call, module)
    page, size = page_and_size(call.params)
    if position is not None:
        page = position.number
    if call.rules.page_tokens:
        refuse_beyond(page, size, by_token=position is not None)
    since = since_header(call)
    filters = [*allowed, *_filters(call, module, since)]
    window = Window(size, offset=(page - 1) * size)
    if position is not None:
        window = Window(size, start=position.position, backwards=position.backwards)
    order, shown = _order(call, module), shape(module, names)
    records = call.store.page(module, shown, filters, order, window)

    def show(result: Page) -> Response:
        if not result.count:
            return no_content() if since is None else Response(304)
        return _page_answer(call, module, result, page, size, position)

    return then(records, show)


def _fields(call: Call) -> list[str] | None:
    """The names of `fields`; None for all fields, which not every version of the API allows."""
    text = call.params.get("fields")
    if text and text.strip(","):
        return field_names(call.params)
    if call.rules.lists_need_fields:
        raise param_missing("fields")
    return None


def _position(call: Call, module: Module) -> PagePosition | None:
    token = call.params.get("page_token")
    if token is None or not call.rules.page_tokens:
        return None
    if "page" in call.params:
        raise ambiguous("page", "page_token")
    return call.tokens.read(token, _scope(call, module), call.now)


def _scope(call: Call, module: Module) -> bytes:
    return bound_to(call.organisation.id, call.caller.user, module.api_name, call.params)


def _sorting(call: Call, module: Module) -> tuple[str, str]:
    """The field and the direction of the query, or the module's usual ones."""
    field, direction = rules_of(module).usual_order
    return call.params.get("sort_by", field), call.params.get("sort_order", direction)


def _order(call: Call, module: Module) -> Order:
    name, direction = _sorting(call, module)
    if name not in SORTS:
        if call.rules.sorts_by_any_field:
            return any_order(module, name, direction)
        raise param_invalid("sort_by", supported_values=list(SORTS))
    # A module without this time sorts by id: ids rise in the order in which records are made.
    return Order(module.fields.get(name, module.fields["id"]), descending=descends(direction))


def _filters(call: Call, module: Module, since: int | None) -> list[Filter]:
    if "cvid" in call.params and "sort_by" in call.params:
        raise ambiguous("cvid", "sort_by")
    if "territory_id" in call.params:
        raise _no_territory(module)
    filters: list[Filter] = []
    if "ids" in call.params:
        filters.append(Ids(tuple(id_list(call.params, "ids"))))
    if since is not None and "Modified_Time" in module.fields:
        filters.append(ModifiedSince(since))
    filters += converted_filter(call, module)
    filters += view_filter(call, module)
    return filters


def _no_territory(module: Module) -> Fault:
    """An organisation has no territories here: an error is better than a filter that is ignored."""
    if rules_of(module).has_territories:
        return param_invalid("territory_id")
    message = "Territory is not supported for the given module"
    return Fault(400, "INVALID_MODULE", message, {"resource_path_index": 0})


def _page_answer(
    call: Call, module: Module, result: Page, page: int, size: int, position: PagePosition | None
) -> Response:
    expires_at = position.expires_at if position else int(call.now) + page_tokens.LIFETIME
    scope = _scope(call, module)
    sort_by, sort_order = _sorting(call, module)
    following = before = None
    tokens = call.rules.page_tokens
    if tokens and result.more and result.last is not None:
        following = call.tokens.make(PagePosition(result.last, page + 1, False, expires_at), scope)
    if tokens and page > 1 and result.first is not None:
        before = call.tokens.make(PagePosition(result.first, page - 1, True, expires_at), scope)
    info = {
        "call": False,
        "per_page": size,
        "next_page_token": following,
        "count": result.count,
        "sort_by": sort_by,
        "page": page,
        "previous_page_token": before,
        "page_token_expiry": zoned(call.organisation.zone, expires_at) if following or before else None,
        "sort_order": sort_order,
        "email": False,
        "more_records": result.more,
    }
    return data_answer(result.data, info)


def get_record(call: Call) -> Response | Awaitable[Response]:
    module = readable(call)
    record = record_id(call)
    names = _fields(call) if "fields" in call.params else None
    since = since_header(call)
    if since is not None and "Modified_Time" in module.fields:
        return _get_if_modified(call, module, record, names, since)
    shown = shape(module, names, whole=True)
    return then(
        call.store.record(module, shown, record),
        lambda data: Response(200, b'{"data":[' + data + b"]}", JSON) if data else no_content(),
    )


def _get_if_modified(
    call: Call, module: Module, record: int, names: list[str] | None, since: int
) -> Response | Awaitable[Response]:
    order = Order(module.fields["id"], descending=True)
    filters: list[Filter] = [Ids((record,)), ModifiedSince(since)]
    shown = shape(module, names, whole=True)
    changed = call.store.page(module, shown, filters, order, Window(1))

    def show(page: Page) -> Response | Awaitable[Response]:
        if page.count:
            return Response(200, b'{"data":' + page.data + b"}", JSON)
        unchanged = call.store.record(module, shape(module, []), record)
        return then(unchanged, lambda data: Response(304) if data else no_content())

    return then(changed, show)


def list_deleted(call: Call) -> Response | Awaitable[Response]:
    module = module_of(call)
    visible(call, module)
    kind = call.params.get("type", "all")
    if kind not in {"all", "recycle", "permanent"}:
        raise pattern_not_matched("type")
    page, size = page_and_size(call.params)
    since = since_header(call)
    which = Deleted(None if kind == "all" else kind, since)
    entries = call.store.deleted(module, which, Window(size, offset=(page - 1) * size))

    def show(result: Page) -> Response:
        if not result.count:
            return no_content() if since is None else Response(304)
        info = {"per_page": size, "count": result.count, "page": page, "more_records": result.more}
        return data_answer(result.data, info)

    return then(entries, show)


_READ = ("ZohoCRM.modules.{module}.READ",)

ROUTES = (
    Route("GET", "/crm/v8/{module}", list_records, _READ),
    Route("GET", "/crm/v8/{module}/{id}", get_record, _READ),
    Route("GET", "/crm/v8/{module}/deleted", list_deleted, _READ),
)
