"""How many records the related lists of a record have [Z get-related-records]."""

from typing import Any

from moorage.crm.api.items import joint_status
from moorage.crm.api.related.lists import parent_of, unknown_record
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.records.access import readable, visible_with
from moorage.crm.records.reading import context_of, converted_conditions
from moorage.crm.records.related import RelatedList, related_list
from moorage.crm.storage.contract.records import Filter
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_ENVELOPE = "get_related_records_count"
_MOST = 20  # Lists of one call: each is counted by itself.


async def count_related(call: Call) -> Response:
    parents, parent = readable(call), parent_of(call)
    body = await object_of(call)
    specs = body.items(_ENVELOPE, _MOST)
    if not specs:
        raise body.missing(_ENVELOPE)
    found = call.store.record(parents, shape(parents, []), parent)
    if (found if isinstance(found, bytes | None) else await found) is None:
        raise unknown_record()
    counts = [await _count(call, parents, parent, spec) for spec in specs]
    statuses = [200 if "count" in count else 400 for count in counts]
    return answer({_ENVELOPE: [[count] for count in counts]}, joint_status(statuses))


async def _count(call: Call, parents: Module, parent: int, spec: JsonObject) -> dict[str, Any]:
    """The count of one list, or the Fault that says why it can't be counted."""
    try:
        related, filters = _asked(call, parents, parent, spec)
    except Fault as fault:
        if fault.status == 401:
            raise
        return fault.document()
    lists = call.organisation.metadata.all("related_list", parents.id)
    document = next(each for each in lists if each.name == related.name)
    shown = {"api_name": document.name, "id": str(document.id)}
    return {"count": await call.store.count(related.module, filters), "related_list": shown}


def _asked(call: Call, parents: Module, parent: int, spec: JsonObject) -> tuple[RelatedList, list[Filter]]:
    named = spec.inner("related_list")
    if named is None:
        raise spec.missing("related_list")
    related = related_list(call.organisation, parents, _name(call, parents, named))
    if related is None:
        name = "api_name" if "api_name" in named else "id"
        raise named.fault("INVALID_DATA", "The related name given seems to be invalid", name)
    call.require("ZohoCRM.modules.{module}.READ", related.module.api_name)
    filters: list[Filter] = [related.condition(parent, int(call.now)), *visible_with(call, related.module)]
    params = spec.inner("params")
    if params is None:
        return related, [*filters, *converted_conditions({}, related.module)]
    sent = {name: str(params.raw(name)).lower() for name in ("converted", "approved") if name in params}
    filters += converted_conditions(sent, related.module)
    criteria = params.raw("filters")
    if criteria is not None:
        checked = view_conditions(criteria, related.module, context_of(call))
        filters += [] if checked is None else [checked]
    return related, filters


def _name(call: Call, parents: Module, named: JsonObject) -> str:
    """The API name of a list that is named by it, or by its id."""
    if "api_name" in named:
        return str(named.raw("api_name"))
    document = call.organisation.metadata.find("related_list", whole_id(named.raw("id")) or 0)
    return document.name if document is not None and document.module == parents.id else ""


ROUTES = (
    Route(
        "POST",
        "/crm/v8/{module}/{id}/actions/get_related_records_count",
        count_related,
        ("ZohoCRM.modules.{module}.READ",),
    ),
)
