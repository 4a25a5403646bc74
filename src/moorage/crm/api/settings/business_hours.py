"""The business hours of an organisation: made once, then changed [Z description]."""

import re

from moorage.crm.api.items import spec_of
from moorage.crm.api.settings.changing import MAX_BODY, require_customizer
from moorage.crm.api.settings.own_documents import Documents, documents_of
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.outcomes import succeeded
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME, KIND = "business_hours", "business hours"
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
TYPES = ("24_by_7", "24_by_5", "custom")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_SAVED = "Business Hours saved successfully"


async def get_hours(call: Call) -> Response:
    known = await documents_of(call, KIND)
    return answer({NAME: {**known[0].body, "id": str(known[0].id)}}) if known else no_content()


def list_shifts(call: Call) -> Response:  # noqa: ARG001 (nothing changes the answer)
    return answer({"shift_hours": [], "shift_count": {"total_shift_with_user": 0, "total_shift": 0}})


def get_shift(call: Call) -> Response:
    path_id(call.path, 3)
    return no_content()


async def create_hours(call: Call) -> Response:
    return await _save(call, is_new=True)


async def update_hours(call: Call) -> Response:
    return await _save(call, is_new=False)


async def _save(call: Call, *, is_new: bool) -> Response:
    require_customizer(call)
    spec = await spec_of(call, NAME)

    def job(documents: Documents) -> int:
        known = next(iter(documents.all()), None)
        if is_new and known is not None:
            raise spec.fault("DUPLICATE_DATA", "duplicate data", "type")
        if not is_new and (known is None or whole_id(spec.raw("id") or str(known.id)) != known.id):
            raise spec.fault("INVALID_DATA", "the id given seems to be invalid", "id")
        return documents.put(_hours(spec, known.body if known else {}), known)

    try:
        identity = await Documents.change(call, KIND, job)
    except Fault as fault:
        return answer({NAME: fault.document()}, 400)
    return answer({NAME: succeeded({"id": str(identity)}, _SAVED).document}, 201 if is_new else 200)


def _hours(spec: JsonObject, before: Body) -> Body:
    """The hours as they will be. Raises the Fault for hours that are not whole."""
    kind = _one_of(spec, "type", TYPES, before)
    body: Body = {"week_starts_on": _one_of(spec, "week_starts_on", DAYS, before), "type": kind}
    days = _days(spec) if "business_days" in spec else before.get("business_days")
    if kind == "24_by_7":
        days = list(DAYS)
    if days is None:
        raise spec.missing("business_days")
    body["business_days"] = days
    if kind != "custom":
        return body | {"same_as_everyday": None, "daily_timing": [], "custom_timing": []}
    same = spec.boolean("same_as_everyday", default=before.get("same_as_everyday") is True)
    body |= {"same_as_everyday": same, "daily_timing": [], "custom_timing": []}
    name = "daily_timing" if same else "custom_timing"
    if name in spec:
        body[name] = _timing(spec, name) if same else _timings(spec, days)
    elif before.get(name):
        body[name] = before[name]
    else:
        raise spec.missing(name)
    return body


def _one_of(spec: JsonObject, name: str, choices: tuple[str, ...], before: Body) -> str:
    value = spec.raw(name) if name in spec else before.get(name)
    if value is None:
        raise spec.missing(name)
    if value not in choices:
        raise spec.invalid(name, expected_data_type="string", regex="|".join(choices))
    return str(value)


def _days(spec: JsonObject) -> list[str]:
    days = spec.raw("business_days")
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        raise spec.invalid("business_days", expected_data_type="jsonarray", regex="|".join(DAYS))
    return [day for day in DAYS if day in days]


def _timing(spec: JsonObject, name: str) -> list[str]:
    """Two times of a day, the beginning and the end."""
    times = spec.raw(name)
    is_right = (
        isinstance(times, list)
        and len(times) == 2
        and all(isinstance(time, str) and _TIME.fullmatch(time) for time in times)
        and times[0] < times[1]
    )
    if not is_right:
        raise spec.invalid(name, expected_data_type="jsonarray", regex=_TIME.pattern)
    return list(times)


def _timings(spec: JsonObject, days: list[str]) -> list[Body]:
    timings: dict[str, Body] = {}
    for item in spec.items("custom_timing", len(DAYS)):
        day = item.raw("days")
        if day not in days or day in timings:
            raise item.invalid("days", expected_data_type="string", regex="|".join(days))
        timings[day] = {"days": day, "business_timing": _timing(item, "business_timing")}
    if len(timings) < len(days):
        raise spec.missing("custom_timing")
    return list(timings.values())


_PATH, _SCOPE = "/crm/v8/settings/business_hours", "ZohoCRM.settings.business_hours"

ROUTES = (
    Route("GET", _PATH, get_hours, (f"{_SCOPE}.READ",)),
    Route("GET", f"{_PATH}/shift_hours", list_shifts, (f"{_SCOPE}.READ",)),
    Route("GET", f"{_PATH}/shift_hours/{{id}}", get_shift, (f"{_SCOPE}.READ",)),
    Route("POST", _PATH, create_hours, (f"{_SCOPE}.CREATE",), max_body=MAX_BODY),
    Route("PUT", _PATH, update_hours, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
)
