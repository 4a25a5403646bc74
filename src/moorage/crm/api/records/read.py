"""Read records: list and get [Z get-records], count, and the recycle bin's list [Z get-deleted-records]."""

from collections.abc import Awaitable

from moorage.crm.api.records.listing import Listing, asked_fields
from moorage.crm.api.records.told_keys import has_told, with_told
from moorage.crm.faults import Fault, ambiguous, param_invalid, pattern_not_matched
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import Shape, shape
from moorage.crm.records.access import readable, visible
from moorage.crm.records.locks import KIND as LOCK
from moorage.crm.records.modules import rules_of
from moorage.crm.records.reading import (
    module_of,
    record_id,
    since_header,
    view_filter,
    view_of,
)
from moorage.crm.storage.contract.companions import CompanionPage, CompanionsOf
from moorage.crm.storage.contract.records import (
    Deleted,
    Filter,
    Ids,
    ModifiedSince,
    Order,
    Page,
    Window,
)
from moorage.crm.wire.call import JSON, Call, data_answer, no_content, settled, then
from moorage.crm.wire.parameters import page_and_size
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_records(call: Call) -> Response | Awaitable[Response]:
    module = module_of(call)
    allowed = visible(call, module)
    names = asked_fields(call)
    _require_no_others(call, module)
    listing = Listing.of(call, module, module.api_name, view_of(call, module))
    filters = [*allowed, *listing.filters, *view_filter(call, module)]
    shown = shape(module, names)
    records = call.store.page(module, shown, filters, listing.order, listing.window)
    sort_by, sort_order = listing.sorting

    def show(page: Page) -> Response:
        return listing.answer(page, call=False, email=False, sort_by=sort_by, sort_order=sort_order)

    return then(with_told(call, module, shown, records), show)


def _require_no_others(call: Call, module: Module) -> None:
    """Raise the Fault of parameters that can't be together, or that there is nothing for."""
    if "cvid" in call.params and "sort_by" in call.params:
        raise ambiguous("cvid", "sort_by")
    if "territory_id" in call.params:
        raise _no_territory(module)


def _no_territory(module: Module) -> Fault:
    """An organisation has no territories here: an error is better than a filter that is ignored."""
    if rules_of(module).has_territories:
        return param_invalid("territory_id")
    message = "Territory is not supported for the given module"
    return Fault(400, "INVALID_MODULE", message, {"resource_path_index": 0})


def get_record(call: Call) -> Response | Awaitable[Response]:
    module = readable(call)
    record = record_id(call)
    names = asked_fields(call) if "fields" in call.params else None
    since = since_header(call)
    if since is not None and "Modified_Time" in module.fields:
        return _get_if_modified(call, module, record, names, since)
    shown = shape(module, names, whole=True)
    data = call.store.record(module, shown, record)
    if has_told(module, shown):
        return _with_told(call, module, record, shown, data)
    return then(data, lambda data: _whole(call, record, data))


async def _with_told(
    call: Call, module: Module, record: int, shown: Shape, data: bytes | Awaitable[bytes | None] | None
) -> Response:
    found = await settled(data)
    if found is not None:
        alone = Page(b"[%s]" % found, 1, None, None, more=False)
        found = (await settled(with_told(call, module, shown, alone))).data[1:-1]
    return await settled(_whole(call, record, found))


def _whole(call: Call, record: int, data: bytes | None) -> Response | Awaitable[Response]:
    """The answer with one record. Few are locked, so that only these ask by whom."""
    if data is None:
        return no_content()
    if b'"Locked__s":true' not in data:
        return Response(200, b'{"data":[' + data + b"]}", JSON)
    locks = call.store.companions(CompanionsOf(LOCK, owner=record), Window(1))

    def show(page: CompanionPage) -> Response:
        shown = data
        if any(lock.body["by"] != call.caller.user for lock in page.companions):
            shown = data.replace(b'"$locked_for_me":false', b'"$locked_for_me":true', 1)
        return Response(200, b'{"data":[' + shown + b"]}", JSON)

    return then(locks, show)


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

    return then(with_told(call, module, shown, changed), show)


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
