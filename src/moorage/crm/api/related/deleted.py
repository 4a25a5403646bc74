"""The related lists of a record in the recycle bin [Z get-related-records]."""

from moorage.crm.api.related.lists import list_related, related_of
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import readable
from moorage.crm.storage.contract.records import Window
from moorage.crm.storage.contract.recycle_bin import BinCondition, InBin
from moorage.crm.wire.call import Call, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


async def list_related_of_deleted(call: Call) -> Response:
    parents = readable(call)
    related = related_of(call, parents, index=3)
    parent = whole_id(call.path["id"])
    if parent is None or not await _is_in_bin(call, parents, parent):
        raise Fault(404, "INVALID_DATA", "The record does not exist", {"resource_path_index": 2})
    answer = list_related(call, related, parent, None)
    return await settled(answer)


async def _is_in_bin(call: Call, module: Module, record: int) -> bool:
    conditions = (BinCondition("id", "in", (record,)), BinCondition("module", "in", (module.number,)))
    return bool(await call.store.bin_entries(InBin(conditions), Window(1)))


ROUTES = (
    Route(
        "GET",
        "/crm/v8/{module}/deleted/{id}/{related_list}",
        list_related_of_deleted,
        ("ZohoCRM.modules.{module}.READ",),
    ),
)
