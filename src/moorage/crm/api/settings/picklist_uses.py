"""Where global picklists and their options are used, and options replaced in records [Z global-picklists]."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from moorage.crm.api.documents import document_in_path, module_parameter, reference
from moorage.crm.api.items import specs_of
from moorage.crm.api.settings.changing import MAX_BODY, require_customizer
from moorage.crm.faults import Fault, invalid_id, param_invalid
from moorage.crm.jobs import replacing
from moorage.crm.jobs.asking import ask_for, found
from moorage.crm.jobs.replacing import REPLACED, Replacement, ReplaceRequest
from moorage.crm.metadata.custom.global_picklists import fields_of
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.types import PICK_LISTS
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.outcomes import succeeded
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.records import Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.parameters import page_and_size, page_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "replace_picklist_values"
MOST_REPLACED = 100
MOST_TOLD = 1_000  # Jobs.


def uses(metadata: Metadata, picklist: Document) -> Iterator[tuple[Document, Document]]:
    """The fields that use a picklist, each with its module."""
    for module in metadata.all("module"):
        for field in fields_of(picklist, metadata.all("field", module.id)):
            yield module, field


def used_in_modules(metadata: Metadata, picklist: Document, *, labels: bool) -> list[Body]:
    modules = {module.id: module for module, _ in uses(metadata, picklist)}
    return [_module(module, label=labels) for module in modules.values()]


def _module(module: Document, *, label: bool) -> Body:
    more = {"plural_label": module.body["plural_label"]} if label else {}
    return {"api_name": module.name, "id": str(module.id), **more}


def list_associations(call: Call) -> Response:
    picklist = _picklist(call)
    page, size = page_and_size(call.params)
    metadata = call.organisation.metadata
    shown, info = page_of(list(uses(metadata, picklist)), page, size)
    if not shown:
        return no_content()
    return answer({"associations": [_association(metadata, *use) for use in shown], "info": info})


def _association(metadata: Metadata, module: Document, field: Document) -> Body:
    layouts = [
        {**reference(layout), "status": layout.body["status"]} for layout in metadata.all("layout", module.id)
    ]
    return {
        "field": {"api_name": field.name, "id": str(field.id)},
        "module": _module(module, label=True),
        "layouts": layouts,
    }


def list_associations_of_values(call: Call) -> Response:
    """The custom views whose criteria name a field of the picklist and, if one is given, its option."""
    picklist = _picklist(call)
    value = None
    if (text := call.params.get("picklist_value_id")) is not None:
        option = _option_by_id(picklist.body["pick_list_values"], text)
        if option is None:
            raise param_invalid("picklist_value_id")
        value = option["actual_value"]
    metadata = call.organisation.metadata
    views = {
        view.id: {**_named(view), "details": []}
        for module, field in uses(metadata, picklist)
        for view in metadata.all("custom_view", module.id)
        if any(_asks_for(condition, field, value) for condition in _conditions(view.body.get("criteria")))
    }
    if not views:
        return no_content()
    return answer(
        {"pick_list_values_associations": [{"type": "custom_views", "resources": list(views.values())}]}
    )


def _named(view: Document) -> Body:
    return {"id": str(view.id), "name": view.body["name"]}


def _conditions(criteria: Any) -> Iterator[Body]:
    if isinstance(criteria, dict):
        if "group" not in criteria:
            yield criteria
        for part in criteria.get("group", ()):
            yield from _conditions(part)


def _asks_for(condition: Body, field: Document, value: str | None) -> bool:
    asked = condition.get("value")
    return (condition.get("field") or {}).get("api_name") == field.name and (
        value is None or value in (asked if isinstance(asked, list) else [asked])
    )


async def replace_values(call: Call) -> Response:
    """Of a global picklist, in all fields that use it."""
    require_customizer(call)
    picklist = _picklist(call)
    fields = list(uses(call.organisation.metadata, picklist))
    return await _replace(call, picklist.id, picklist.body["pick_list_values"], fields)


async def replace_values_of_field(call: Call) -> Response:
    require_customizer(call)
    module, field = _field(call)
    return await _replace(call, field.id, field.body["pick_list_values"], [(module, field)])


async def _replace(
    call: Call, identity: int, options: list[Body], fields: Iterable[tuple[Document, Document]]
) -> Response:
    specs = await specs_of(call, NAME, MOST_REPLACED)
    try:
        pairs = [_pair(spec, options) for spec in specs]
    except Fault as fault:
        return answer({NAME: [fault.document()]}, 400)
    values = {old: new["actual_value"] for old, new in pairs}
    shown = [{"display_value": display, "actual_value": old} for old, display in _shown(options, values)]
    replacements = [Replacement(module.name, field.name, values) for module, field in fields]
    request = ReplaceRequest(identity, replacements, shown)
    job = await ask_for(call, replacing.KIND, msgspec.to_builtins(request))
    message = "replace picklist values scheduled successfully"
    scheduled = succeeded({"job_id": str(job.id)}, message).document | {"code": "SCHEDULED"}
    return answer({NAME: [scheduled]})


def _pair(item: JsonObject, options: list[Body]) -> tuple[str, Body]:
    """The old value as records have it, and the option that replaces it.

    Records may have a value that is no option, or not any more: such an old value is named by its text.
    """
    old, new = (_value(item, name) for name in ("old_value", "new_value"))
    option = _option_of(new, options)
    if option is None or option["type"] != "used":
        raise new.invalid("id" if "id" in new else "display_value")
    replaced = _option_of(old, options)
    if replaced is None and "id" in old:
        raise old.invalid("id")
    text = replaced["actual_value"] if replaced else old.text("display_value", 120)
    if text is None or text == option["actual_value"]:
        raise old.invalid("display_value")
    return text, option


def _value(item: JsonObject, name: str) -> JsonObject:
    value = item.inner(name)
    if value is None:
        raise item.missing(name)
    if "id" not in value and "display_value" not in value:
        raise value.missing("display_value")
    return value


def _option_of(value: JsonObject, options: list[Body]) -> Body | None:
    if "id" in value:
        return _option_by_id(options, value.raw("id"))
    display = value.raw("display_value")
    return next((option for option in options if option["display_value"] == display), None)


def _option_by_id(options: list[Body], identity: Any) -> Body | None:
    wanted = str(whole_id(identity))
    return next((option for option in options if option["id"] == wanted), None)


def _shown(options: list[Body], values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The old values, each with what people see of it."""
    displays = {option["actual_value"]: option["display_value"] for option in options}
    for value in values:
        yield value, displays.get(value, value)


async def list_replaced(call: Call) -> Response:
    """What was replaced by one job or by all of them, as far as they have ended."""
    picklist = _picklist(call)
    if (text := call.params.get("job_id")) is not None:
        job = await found(call, replacing.KIND, text)
        if job is None or job.request["of"] != picklist.id:
            raise param_invalid("job_id")
        shown = job.request["shown"] if job.has_ended else []
    else:
        which = CompanionsOf(REPLACED, owner=0, name=str(picklist.id))
        page = await settled(call.store.companions(which, Window(MOST_TOLD)))
        shown = [value for told in page.companions for value in told.body]
    values = {value["actual_value"]: value for value in shown}
    return answer({"replaced_values": list(values.values())}) if values else no_content()


def list_values_of_field(call: Call) -> Response:
    module, field = _field(call)
    layouts = [
        {"api_name": layout.body["api_name"], **reference(layout)}
        for layout in call.organisation.metadata.all("layout", module.id)
    ]
    values = [
        {"colour_code": None, **option, "layout_associations": layouts}
        for option in field.body["pick_list_values"]
    ]
    return answer({"pick_list_values": values}) if values else no_content()


def _picklist(call: Call) -> Document:
    picklist = document_in_path(call, "global_picklist", 2)
    if picklist is None:
        raise invalid_id(2)
    return picklist


def _field(call: Call) -> tuple[Document, Document]:
    """The field of the path, with its module. Raises the Fault for one without options."""
    module = module_parameter(call)
    field = document_in_path(call, "field", 2, module.id)
    if field is None or field.body["data_type"] not in PICK_LISTS:
        raise invalid_id(2)
    return module, field


_ONE, _FIELD = "/crm/v8/settings/global_picklists/{id}/actions", "/crm/v8/settings/fields/{id}"
_READ, _UPDATE = ("ZohoCRM.settings.global_picklist.READ",), ("ZohoCRM.settings.global_picklist.UPDATE",)
_FIELDS = "ZohoCRM.settings.fields"

ROUTES = (
    Route("GET", f"{_ONE}/associations", list_associations, _READ),
    Route("GET", f"{_ONE}/pick_list_values_associations", list_associations_of_values, _READ),
    Route("POST", f"{_ONE}/replace_picklist_values", replace_values, _UPDATE, max_body=MAX_BODY),
    Route("GET", f"{_ONE}/replaced_values", list_replaced, _READ),
    Route("GET", f"{_FIELD}/pick_list_values", list_values_of_field, (f"{_FIELDS}.READ",)),
    Route(
        "POST",
        f"{_FIELD}/actions/replace_picklist_values",
        replace_values_of_field,
        (f"{_FIELDS}.UPDATE",),
        max_body=MAX_BODY,
    ),
)
