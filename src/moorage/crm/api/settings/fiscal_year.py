"""The fiscal year, which the placeholders of criteria follow, such as ${THISFY} [Z fiscal-year]."""

from moorage.crm.api.items import spec_of
from moorage.crm.api.settings.changing import MAX_BODY, SettingsChange, changed, require_customizer
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.records.outcomes import succeeded
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "fiscal_year"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
BASES = ("start_month", "end_month")
_NEW: Body = {"month": 1, "display_based_on": "start_month"}
_NUMBER = 20_010  # The local number of the id as long as there is no document.


def _known(metadata: Metadata) -> Document | None:
    return next(iter(metadata.all("fiscal_year")), None)


def get_year(call: Call) -> Response:
    known = _known(call.organisation.metadata)
    body = known.body if known is not None else _NEW
    identity = known.id if known is not None else call.organisation.prefix * ID_SPACE + _NUMBER
    shown = {
        "start_month": MONTHS[body["month"] - 1],
        "display_based_on": body["display_based_on"],
        "id": str(identity),
    }
    return answer({NAME: shown})


async def update_year(call: Call) -> Response:
    require_customizer(call)
    spec = await spec_of(call, NAME)
    spec.require("start_month")

    def update(change: SettingsChange) -> None:
        known = _known(change.metadata)
        body = dict(known.body if known is not None else _NEW)
        body["month"] = MONTHS.index(_chosen(spec, "start_month", MONTHS, "Please give a valid month")) + 1
        if "display_based_on" in spec:
            body["display_based_on"] = _chosen(spec, "display_based_on", BASES, "Please give a valid value")
        identity = known.id if known is not None else int(change.new_id())
        change.put(Document(identity, "fiscal_year", 0, "", body))

    try:
        await changed(call, update)
    except Fault as fault:
        return answer({NAME: fault.document()}, 400)
    message = "The fiscal year configuration has been updated successfully"
    return answer({NAME: succeeded({}, message).document})


def _chosen(spec: JsonObject, name: str, choices: tuple[str, ...], message: str) -> str:
    value = spec.raw(name)
    if value not in choices:
        raise spec.fault("INVALID_DATA", message, name, allowed_values=list(choices))
    return str(value)


_PATH, _SCOPE = "/crm/v8/settings/fiscal_year", "ZohoCRM.settings.fiscal_year"

ROUTES = (
    Route("GET", _PATH, get_year, (f"{_SCOPE}.READ",)),
    Route("PUT", _PATH, update_year, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
)
