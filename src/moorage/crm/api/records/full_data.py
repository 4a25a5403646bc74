"""Whole rich texts, of which lists show the beginning [Z fetch-full-data]."""

from collections.abc import Awaitable, Sequence

import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.records.access import readable, visible
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.records import Ids, Order, Page, Window
from moorage.crm.wire.call import Call, answer, no_content, then
from moorage.crm.wire.parameters import field_names, id_list
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def of_record(call: Call) -> Response | Awaitable[Response]:
    module = readable(call)
    return _answer(call, module, [record_id(call)])


def of_records(call: Call) -> Response | Awaitable[Response]:
    module = readable(call)
    visible(call, module)
    return _answer(call, module, id_list(call.params, "ids"))


def _answer(call: Call, module: Module, records: Sequence[int]) -> Response | Awaitable[Response]:
    texts = [field.api_name for field in module.fields.values() if field.is_rich_text]
    asked = field_names(call.params)
    names = [name for name in texts if name in asked] if asked else texts
    order, window = Order(module.fields["id"], descending=True), Window(len(records))
    page = call.store.page(module, shape(module, names, whole=True), [Ids(tuple(records))], order, window)

    def show(result: Page) -> Response:
        if not result.count:
            return no_content()
        rows = msgspec.json.decode(result.data)
        return answer({"data": [{name: row[name] for name in ("id", *names)} for row in rows]})

    return then(page, show)


_READ = ("ZohoCRM.modules.{module}.READ",)

ROUTES = (
    Route("GET", "/crm/v8/{module}/actions/fetch_full_data", of_records, _READ),
    Route("GET", "/crm/v8/{module}/{id}/actions/fetch_full_data", of_record, _READ),
)
