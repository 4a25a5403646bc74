"""The process that a record is in: an organisation has no processes, so no record is in one [Z get-blueprint]."""

from moorage.crm.faults import Fault, invalid_id
from moorage.crm.records.access import readable, writable
from moorage.crm.records.reading import record_id, reference_to
from moorage.crm.wire.call import Call
from moorage.crm.wire.members import object_in
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


async def get_blueprint(call: Call) -> Response:
    if await reference_to(call, readable(call), record_id(call)) is None:
        raise invalid_id(1)
    raise _in_none()


async def update_blueprint(call: Call) -> Response:
    module, record = writable(call, "editable"), record_id(call)
    if not object_in(await call.request.whole()).get("blueprint"):
        details = {"api_name": "blueprint", "json_path": "$.blueprint"}
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    if await reference_to(call, module, record) is None:
        raise invalid_id(1)
    raise _in_none()


def _in_none() -> Fault:
    return Fault(400, "RECORD_NOT_IN_PROCESS", "record not in process")


_BLUEPRINT = "/crm/v8/{module}/{id}/actions/blueprint"

ROUTES = (
    Route("GET", _BLUEPRINT, get_blueprint, ("ZohoCRM.modules.{module}.READ",)),
    Route("PUT", _BLUEPRINT, update_blueprint, ("ZohoCRM.modules.{module}.UPDATE",)),
)
