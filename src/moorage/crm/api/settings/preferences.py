"""Preferences of an organisation: switches that are there from the beginning [Z description]."""

from functools import partial

import msgspec

from moorage.crm.api.items import spec_of
from moorage.crm.api.settings.changing import MAX_BODY, require_customizer
from moorage.crm.api.settings.own_documents import Documents, documents_of
from moorage.crm.faults import Fault
from moorage.crm.metadata.documents import Body
from moorage.crm.records.outcomes import succeeded
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

KIND = "preference"


class Preference(msgspec.Struct, frozen=True):
    """`name` is its key in bodies, and `members` are its switches. A change names them all."""

    name: str
    path: str
    scope: str
    message: str
    members: tuple[str, ...]


PREFERENCES = (
    Preference(
        "call_preferences",
        "/crm/v8/settings/call_preferences",
        "ZohoCRM.settings.modules",
        "Call preferences updated successfully",
        ("show_from_number", "show_to_number"),
    ),
    Preference(
        "service_preferences",
        "/crm/v8/settings/service_preferences",
        "ZohoCRM.settings.modules",
        "Appointments preferences updated successfully",
        ("job_sheet_enabled",),
    ),
)


async def show(preference: Preference, call: Call) -> Response:
    return answer({preference.name: await _current(preference, call)})


async def _current(preference: Preference, call: Call) -> Body:
    known = await documents_of(call, KIND)
    changed: Body = next((each.body for each in known if each.name == preference.name), {})
    return dict.fromkeys(preference.members, False) | changed


async def change(preference: Preference, call: Call) -> Response:
    require_customizer(call)
    spec = await spec_of(call, preference.name)
    try:
        spec.require(*preference.members)
        changed: Body = {name: spec.boolean(name) for name in preference.members}
    except Fault as fault:
        return answer({preference.name: fault.document()}, 400)

    def job(documents: Documents) -> None:
        documents.put(changed, documents.named(preference.name), preference.name)

    await Documents.change(call, KIND, job)
    return answer({preference.name: succeeded({}, preference.message).document})


ROUTES = tuple(
    route
    for each in PREFERENCES
    for route in (
        Route("GET", each.path, partial(show, each), (f"{each.scope}.READ",)),
        Route("PUT", each.path, partial(change, each), (f"{each.scope}.UPDATE",), max_body=MAX_BODY),
    )
)
