"""Global picklists: options that fields of several modules share [Z global-picklists]."""

from moorage.crm.api.items import specs_of
from moorage.crm.api.settings.changing import (
    MAX_BODY,
    SettingsChange,
    change_each,
    named_document,
    require_customizer,
    require_document,
)
from moorage.crm.api.settings.picklist_uses import used_in_modules, uses
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.global_picklists import (
    changed_picklist,
    new_picklist,
    options_of_field,
)
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import id_list, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "global_picklists"
MOST_AT_ONCE = 100


def list_picklists(call: Call) -> Response:
    return _answer(call, call.organisation.metadata.all("global_picklist"))


def get_picklist(call: Call) -> Response:
    picklist = call.organisation.metadata.find("global_picklist", path_id(call.path, 2))
    return _answer(call, [picklist] if picklist else [])


def _answer(call: Call, picklists: list[Document]) -> Response:
    if not picklists:
        return no_content()
    included = set(call.params.get("include", "").split(","))
    with_labels = "used_in_modules.plural_label" in call.params.get("include_inner_details", "")
    shown = []
    for picklist in picklists:
        more: Body = {}
        if "used_in_modules" in included:
            metadata = call.organisation.metadata
            more["used_in_modules"] = used_in_modules(metadata, picklist, labels=with_labels)
        shown.append({**picklist.body, **more})
    return answer({NAME: shown})


async def create_picklist(call: Call) -> Response:
    require_customizer(call)
    specs = await specs_of(call, NAME, 1)

    def create(change: SettingsChange, spec: JsonObject) -> Outcome:
        body = new_picklist(spec, change.metadata.all("global_picklist"), change)
        picklist = Document(int(body["id"]), "global_picklist", 0, body["api_name"], body | change.created())
        change.put(picklist)
        return succeeded({"id": body["id"]}, "global picklist added successfully")

    return await change_each(call, NAME, specs, create, done=201)


async def update_picklists(call: Call) -> Response:
    require_customizer(call)
    specs = await specs_of(call, NAME, MOST_AT_ONCE)

    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        return _updated(change, named_document(change.metadata, "global_picklist", spec), spec)

    return await change_each(call, NAME, specs, update)


async def update_picklist(call: Call) -> Response:
    require_customizer(call)
    identity = path_id(call.path, 2)
    specs = await specs_of(call, NAME, 1)
    return await change_each(
        call,
        NAME,
        specs,
        lambda change, spec: _updated(
            change, require_document(change.metadata, "global_picklist", identity), spec
        ),
    )


def _updated(change: SettingsChange, picklist: Document, spec: JsonObject) -> Outcome:
    known = change.metadata.all("global_picklist")
    body = changed_picklist(spec, picklist, known, change) | change.changed()
    change.put(picklist.with_body(body))
    for _, field in uses(change.metadata, picklist):
        change.put(field.with_body({**field.body, "pick_list_values": options_of_field(body)}))
    return succeeded({"id": body["id"]}, "global picklist updated successfully")


async def delete_picklists(call: Call) -> Response:
    require_customizer(call)

    def delete(change: SettingsChange, identity: int) -> Outcome:
        picklist = change.metadata.find("global_picklist", identity)
        if picklist is None:
            details = {"id": str(identity)}
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", details)
        return _deleted(change, picklist)

    return await change_each(call, NAME, id_list(call.params, "ids"), delete)


async def delete_picklist(call: Call) -> Response:
    require_customizer(call)
    return await change_each(
        call,
        NAME,
        [path_id(call.path, 2)],
        lambda change, identity: _deleted(
            change, require_document(change.metadata, "global_picklist", identity)
        ),
    )


def _deleted(change: SettingsChange, picklist: Document) -> Outcome:
    """Fields that used it keep its options as their own."""
    for _, field in uses(change.metadata, picklist):
        change.put(field.with_body({**field.body, "global_picklist": None}))
    change.transaction.remove([picklist.id])
    return succeeded({"id": str(picklist.id)}, "global picklist deleted successfully")


def _scope(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.global_picklist.{operation}",)


_ALL, _ONE = "/crm/v8/settings/global_picklists", "/crm/v8/settings/global_picklists/{id}"

ROUTES = (
    Route("GET", _ALL, list_picklists, _scope("READ")),
    Route("POST", _ALL, create_picklist, _scope("CREATE"), max_body=MAX_BODY),
    Route("PATCH", _ALL, update_picklists, _scope("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ALL, delete_picklists, _scope("DELETE")),
    Route("GET", _ONE, get_picklist, _scope("READ")),
    Route("PATCH", _ONE, update_picklist, _scope("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_picklist, _scope("DELETE")),
)
