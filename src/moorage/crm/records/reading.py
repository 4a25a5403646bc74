"""What all reads of records need: module and id of the path, filters, order, If-Modified-Since."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from moorage.crm.faults import param_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.views import is_seen
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.spelling import unknown_module
from moorage.crm.metadata.times import instant
from moorage.crm.query.compare import Context
from moorage.crm.query.tree import AnyOf
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.storage.contract.records import Filter, FlagIs, Order
from moorage.crm.wire.call import Call, settled
from moorage.crm.wire.parameters import path_id

NOTHING = AnyOf(())  # A filter that no record passes.


def module_of(call: Call) -> Module:
    """The module that the path names, in the right case. Raises the Fault for an unknown module."""
    name = call.path["module"]
    module = call.organisation.catalog.modules.get(name)
    if module is None or module.is_hidden:
        raise unknown_module(call.organisation.metadata, name, {"resource_path_index": 0})
    return module


def record_id(call: Call) -> int:
    """The id in the path. Raises the Fault for a value that can't be an id."""
    return path_id(call.path, 1)


def context_of(call: Call) -> Context:
    return Context(
        zone=call.organisation.zone,
        now=datetime.fromtimestamp(call.now, UTC),
        user=call.caller.user,
        catalog=call.organisation.catalog,
    )


def converted_filter(call: Call, module: Module) -> list[Filter]:
    """What `converted` and `approved` of the query let through."""
    return converted_conditions(call.params, module)


def converted_conditions(params: Mapping[str, str], module: Module) -> list[Filter]:
    """What `converted` and `approved` let through: no converted leads by default. Every record here is approved."""
    for name in ("converted", "approved"):
        if params.get(name, "both") not in {"true", "false", "both"}:
            raise param_invalid(name, supported_values=["true", "false", "both"])
    if params.get("approved") == "false":
        return [NOTHING]
    field = module.fields.get("Converted__s")
    # A view decides itself whether it shows converted leads.
    converted = params.get("converted", "both" if "cvid" in params else "false")
    if field is None or converted == "both":
        return []
    return [FlagIs(field, converted == "true")]


def view_of(call: Call, module: Module) -> Document | None:
    """The view that `cvid` names; None if it is missing. Raises the Fault for an unknown one."""
    text = call.params.get("cvid")
    if text is None:
        return None
    view = call.organisation.metadata.find("custom_view", whole_id(text) or 0)
    metadata = call.organisation.metadata
    if view is None or view.module != module.id or not is_seen(metadata, view, call.caller.user):
        raise param_invalid("cvid")
    return view


def view_filter(call: Call, module: Module) -> list[Filter]:
    view = view_of(call, module)
    if view is None:
        return []
    checked = view_conditions(view.body.get("criteria"), module, context_of(call))
    return [] if checked is None else [checked]


def asked_filter(call: Call, module: Module) -> list[Filter]:
    """What `filters` let through: criteria as JSON, as views have them [Z examples]. Raises Fault INVALID_QUERY."""
    text = call.params.get("filters")
    if text is None:
        return []
    try:
        criteria = msgspec.json.decode(text, type=dict[str, Any])
    except (ValueError, RecursionError):
        raise param_invalid("filters", expected_data_type="jsonobject") from None
    checked = view_conditions(criteria, module, context_of(call))
    return [] if checked is None else [checked]


def any_order(module: Module, name: str, direction: str) -> Order:
    """The order by any sortable field. Raises the Fault for another field, or a wrong direction."""
    field = module.fields.get(name)
    if field is None or not (field.sortable or field.api_name == "id") or field.storage == "rows":
        raise param_invalid("sort_by")
    return Order(field, descending=descends(direction))


def descends(direction: str) -> bool:
    """Whether `sort_order` is descending. Raises the Fault for a value that is no direction."""
    if direction not in {"asc", "desc"}:
        raise param_invalid("sort_order", supported_values=["asc", "desc"])
    return direction == "desc"


def since_header(call: Call, name: bytes = b"if-modified-since") -> int | None:
    """A conditional header as seconds since the epoch. Raises the Fault for a time not written as in records."""
    text = call.request.header(name)
    if text is None:
        return None
    seconds = instant(text)
    if seconds is None:
        raise param_invalid(name.decode().title(), expected_data_type="datetime")
    return seconds


async def reference_to(call: Call, module: Module, record: int) -> dict[str, Any] | None:
    """A record as others name it: its module, name and id. None if there is none."""
    name = module.display.api_name if module.display else None
    data = await settled(call.store.record(module, shape(module, [name] if name else []), record))
    if data is None:
        return None
    return {"module": module.reference, "name": msgspec.json.decode(data).get(name), "id": str(record)}
