"""Convert up to 50 leads as a job [Z mass-convert]."""

from typing import Any

import msgspec

from moorage.crm.api.conversion.convert import prepare_roles
from moorage.crm.api.mass.actions import STATES, found_job
from moorage.crm.api.mass.asked_records import asked_ids
from moorage.crm.api.mass.change_owner import MAX_BODY
from moorage.crm.faults import module_unsupported
from moorage.crm.jobs.asking import ask_for
from moorage.crm.jobs.mass_convert import KIND, MOST_LEADS, MassConversion, conversions_of
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.access import writable
from moorage.crm.records.conversion.request import PARTS, read_request
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_PASSED_ON = ("Deals", "assign_to", "move_attachments_to", "add_to_existing_record")


async def mass_convert(call: Call) -> Response:
    _leads(call)
    body = await object_of(call)
    ids = asked_ids(body, MOST_LEADS)
    for name in ("related_modules", "portal_user_type"):
        if name in body:
            raise body.fault("NOT_SUPPORTED", "this is not supported here", name)
    conversion = {name: body.raw(name) for name in _PASSED_ON if name in body}
    request = read_request(call.organisation, conversion, "$")
    for name in PARTS:
        if name != "Deals" or name in conversion:
            call.require("ZohoCRM.modules.{module}.CREATE", name)
            call.require("ZohoCRM.modules.{module}.UPDATE", name)
    await prepare_roles(call, request)
    whole = MassConversion(ids, conversion, _tagged(call, body))
    job = await ask_for(call, KIND, msgspec.to_builtins(whole))
    details = {"job_id": str(job.id)}
    message = "Convert lead scheduled successfully"
    return answer(
        {"data": [{"code": "SCHEDULED", "details": details, "message": message, "status": "success"}]}, 202
    )


def _leads(call: Call) -> Module:
    module = writable(call, "convertable")
    if module.api_name != "Leads":
        raise module_unsupported()
    return module


def _tagged(call: Call, body: JsonObject) -> list[str]:
    """The modules whose records get the tags of the leads."""
    tagged = []
    for item in body.items("carry_over_tags", len(PARTS)):
        modules = call.organisation.catalog.modules
        name = next(
            (n for n in PARTS if item.raw("api_name") == n or str(item.raw("id")) == str(modules[n].id)), None
        )
        if name is None:
            raise item.invalid("api_name", supported_values=list(PARTS))
        tagged.append(name)
    return tagged


async def status(call: Call) -> Response:
    _leads(call)
    job = await found_job(call, KIND)
    so_far = conversions_of(job)
    shown: dict[str, Any] = {
        "Status": STATES[job.state],
        "Failed_Count": so_far.failed,
        "Not_Converted_Count": so_far.not_converted,
        "Converted_Count": so_far.converted,
        "Total_Count": len(job.request["ids"]),
    }
    return answer({"data": [shown]})


_PATH = "/crm/v8/{module}/actions/mass_convert"
_CREATE = ("ZohoCRM.mass_convert.{module}.CREATE",)

ROUTES = (
    Route("POST", _PATH, mass_convert, _CREATE, max_body=MAX_BODY),
    Route("GET", _PATH, status, ("ZohoCRM.mass_convert.{module}.READ",)),
)
