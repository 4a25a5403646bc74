"""Holidays of an organisation: made, changed and deleted [Z description]."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from moorage.crm.api.items import Item, each_outcome, outcomes_answer, specs_of
from moorage.crm.api.settings.changing import MAX_BODY, require_customizer
from moorage.crm.api.settings.own_documents import MOST, Documents, documents_of
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import one_of, page_and_size, page_of, path_id, whole_number
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME, KIND = "holidays", "holiday"
MOST_AT_ONCE = 100
LONGEST_NAME = 80
OF_ALL, OF_SHIFT = "business_holiday", "shift_holiday"


def _shown(holiday: Companion) -> Body:
    more = {"id": str(holiday.id), "year": int(holiday.body["date"][:4]), "type": OF_ALL, "shift_hour": None}
    return {**holiday.body, **more}


async def list_holidays(call: Call) -> Response:
    page, size = page_and_size(call.params)
    kind = one_of(call.params, "type", (OF_ALL, OF_SHIFT), OF_ALL)
    year = whole_number(call.params, "year", default=0, most=9_999)
    known = [] if kind == OF_SHIFT or "shift_id" in call.params else await documents_of(call, KIND)
    wanted = sorted(
        (each for each in known if not year or int(each.body["date"][:4]) == year),
        key=lambda each: (each.body["date"], each.id),
    )
    shown, info = page_of(wanted, page, size)
    return answer({NAME: [_shown(each) for each in shown], "info": info}) if shown else no_content()


async def get_holiday(call: Call) -> Response:
    identity = path_id(call.path, 2)
    shown = [_shown(each) for each in await documents_of(call, KIND) if each.id == identity]
    return answer({NAME: shown}) if shown else no_content()


async def create_holidays(call: Call) -> Response:
    specs = await _specs(call, MOST_AT_ONCE)

    def create(documents: Documents, spec: JsonObject) -> Outcome:
        spec.require("name", "date", "type")
        if len(documents.all()) >= MOST:
            raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "name", limit=MOST)
        identity = documents.put(_changed(documents, spec, {}, None))
        return succeeded({"id": str(identity)}, "Holidays created successfully")

    return await _change_each(call, specs, create, done=201)


async def update_holidays(call: Call) -> Response:
    specs = await _specs(call, MOST_AT_ONCE)

    def update(documents: Documents, spec: JsonObject) -> Outcome:
        spec.require("id")
        known = documents.find(whole_id(spec.raw("id")))
        if known is None:
            raise spec.invalid("id")
        return _updated(documents, spec, known)

    return await _change_each(call, specs, update)


async def update_holiday(call: Call) -> Response:
    identity = path_id(call.path, 2)
    specs = await _specs(call, 1)
    return await _change_each(
        call, specs, lambda documents, spec: _updated(documents, spec, _required(documents, identity))
    )


async def delete_holiday(call: Call) -> Response:
    require_customizer(call)
    identity = path_id(call.path, 2)

    def delete(documents: Documents, identity: int) -> Outcome:
        documents.remove(_required(documents, identity))
        return succeeded({"id": str(identity)}, "Holidays deleted successfully")

    return await _change_each(call, [identity], delete)


async def _change_each(
    call: Call, items: Sequence[Item], change: Callable[[Documents, Item], Outcome], *, done: int = 200
) -> Response:
    """Each succeeds or fails alone, in one transaction."""
    outcomes = await Documents.change(
        call, KIND, lambda documents: each_outcome(items, partial(change, documents))
    )
    return outcomes_answer(NAME, outcomes, done=done)


async def _specs(call: Call, most: int) -> list[JsonObject]:
    require_customizer(call)
    return await specs_of(call, NAME, most)


def _required(documents: Documents, identity: int) -> Companion:
    known = documents.find(identity)
    if known is None:
        raise Fault(400, "INVALID_DATA", "Invalid ID", {"resource_path_index": 2})
    return known


def _updated(documents: Documents, spec: JsonObject, known: Companion) -> Outcome:
    documents.put(_changed(documents, spec, known.body, known), known)
    return succeeded({"id": str(known.id)}, "Holidays updated successfully")


def _changed(documents: Documents, spec: JsonObject, before: Body, known: Companion | None) -> Body:
    body = dict(before)
    if "type" in spec and spec.raw("type") != OF_ALL:
        _refuse_type(spec)
    if "name" in spec:
        body["name"] = spec.text("name", LONGEST_NAME)
        if body["name"] is None:
            raise spec.invalid("name")
    if "date" in spec:
        body["date"] = _date(spec)
    others = [each for each in documents.all() if known is None or each.id != known.id]
    if any(each.body["date"] == body["date"] for each in others):
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "date")
    return body


def _refuse_type(spec: JsonObject) -> None:
    """There are no shifts that a holiday could belong to."""
    if spec.raw("type") != OF_SHIFT:
        raise spec.invalid("type", regex=f"{OF_ALL}|{OF_SHIFT}")
    if "shift_hour" not in spec:
        dependee = spec.place("type")
        message = "Shift id is required for shift holidays"
        raise spec.fault("DEPENDENT_FIELD_MISSING", message, "shift_hour", dependee=dependee)
    raise spec.invalid("shift_hour")


def _date(spec: JsonObject) -> str:
    text = spec.raw("date")
    try:
        if isinstance(text, str) and len(text) == len("2026-01-01"):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise spec.invalid("date", expected_data_type="date")


_ALL, _ONE = "/crm/v8/settings/holidays", "/crm/v8/settings/holidays/{id}"
_SCOPE = "ZohoCRM.settings.holidays"

ROUTES = (
    Route("GET", _ALL, list_holidays, (f"{_SCOPE}.READ",)),
    Route("POST", _ALL, create_holidays, (f"{_SCOPE}.CREATE",), max_body=MAX_BODY),
    Route("PUT", _ALL, update_holidays, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("GET", _ONE, get_holiday, (f"{_SCOPE}.READ",)),
    Route("PUT", _ONE, update_holiday, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_holiday, (f"{_SCOPE}.DELETE",)),
)
