"""Change, delete or give away many records at once [Z mass-update], [Z mass-delete], [Z mass-change-owner].

With ids it is done at once, with a view it is a job.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.mass.asked_records import asked_criteria, asked_ids, asked_owner
from moorage.crm.api.mass.change_owner import MAX_BODY, owned
from moorage.crm.api.mass.values import mass_values
from moorage.crm.faults import Fault, param_missing
from moorage.crm.jobs import mass
from moorage.crm.jobs.asking import ask_unless, found
from moorage.crm.jobs.mass import MassRequest, counts_of, filters_of
from moorage.crm.jobs.model import BulkJob
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.access import visible, writable
from moorage.crm.records.mass_actions import delete_records, update_records
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.place import Place
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_OF_A_VIEW = 50_000
STATES = {"added": "SCHEDULED", "running": "RUNNING", "completed": "COMPLETED", "failed": "FAILED"}


async def mass_update(call: Call) -> Response:
    module, body = writable(call, "editable"), await object_of(call)
    values = mass_values(call, module, body)
    overwrites = body.boolean("over_write", default=True)
    if _by_ids(body):
        ids = asked_ids(body)
        return await _at_once(
            call, module, lambda place: update_records(place, ids, values, overwrites=overwrites)
        )
    return await _later(call, module, body, mass.UPDATE, values=values, overwrites=overwrites)


async def mass_delete(call: Call) -> Response:
    module, body = writable(call, "deletable"), await object_of(call)
    if _by_ids(body):
        ids = asked_ids(body)
        return await _at_once(call, module, lambda place: delete_records(place, ids))
    return await _later(call, module, body, mass.DELETE)


async def mass_change_owner(call: Call) -> Response:
    module, body = owned(call), await object_of(call)
    body.require("cvid")
    return await _later(call, module, body, mass.CHANGE_OWNER, owner=asked_owner(call, body))


def _by_ids(body: JsonObject) -> bool:
    """Whether ids name the records, and not a view. Raises the Fault of a body that has both."""
    if "ids" in body and "cvid" in body:
        due_to = [{"api_name": name, "json_path": f"$.{name}"} for name in ("ids", "cvid")]
        message = "cannot use ids and cvid together"
        raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, {"ambiguity_due_to": due_to})
    return "cvid" not in body


async def _at_once(call: Call, module: Module, run: Callable[[Place], list[Outcome]]) -> Response:
    organisation, user = call.organisation, call.caller.user

    def job(transaction: Transaction) -> list[Outcome]:
        return run(Place(organisation, module, user, transaction))

    return outcomes_answer("data", await call.store.write(job))


async def _later(call: Call, module: Module, body: JsonObject, kind: str, **what: Any) -> Response:
    view, criteria = asked_criteria(call, module, body)
    filters = [
        *visible(call, module),
        *filters_of(call.organisation, module, criteria, call.caller.user, call.now),
    ]
    total = await call.store.count(module, filters)
    if not total:
        raise Fault(400, "NO_RECORDS_FOUND", "no record found to update")
    if kind == mass.CHANGE_OWNER and total > MOST_OF_A_VIEW:
        raise Fault(400, "RECORD_LIMIT_EXCEEDED", "record limit exceeded", {"limit": MOST_OF_A_VIEW})
    request = MassRequest(module.api_name, view, criteria, total, **what)
    job = await ask_unless(call, kind, msgspec.to_builtins(request), _is_same(module, view))
    if job is None:
        message = "Already a Mass Action scheduler is running for the given cvid"
        raise Fault(202, "ALREADY_SCHEDULED", message, {})
    details = {"job_id": str(job.id)}
    scheduled = {"code": "SUCCESS", "details": details, "message": _MESSAGES[kind], "status": "success"}
    return answer({"data": [scheduled]}, 202 if kind == mass.CHANGE_OWNER else 200)


_MESSAGES = {
    mass.UPDATE: "mass update scheduled successfully",
    mass.DELETE: "mass delete scheduled successfully",
    mass.CHANGE_OWNER: "change owner is successfully scheduled",
}


def _is_same(module: Module, view: int) -> Callable[[BulkJob], bool]:
    """Whether a job is a mass action on the records of this view."""
    kinds = _MESSAGES.keys()

    def is_same(job: BulkJob) -> bool:
        return job.kind in kinds and (job.request["module"], job.request["view"]) == (module.api_name, view)

    return is_same


async def _status(call: Call, kind: str, done: str) -> Response:
    module = writable(call, "viewable")
    job = await found_job(call, kind)
    if job.request["module"] != module.api_name:
        raise _unknown_job()
    counts = counts_of(job)
    status = {
        "Status": STATES[job.state],
        "Failed_Count": counts.failed,
        done: counts.done,
        "Not_Updated_Count": counts.unchanged,
        "Total_Count": job.request["total"],
    }
    if kind == mass.DELETE:
        del status["Not_Updated_Count"]
    return answer({"data": [status]})


async def found_job(call: Call, kind: str) -> BulkJob:
    """The job that the query names. Raises the Fault if there is none of this kind."""
    if "job_id" not in call.params:
        raise param_missing("job_id")
    job = await found(call, kind, call.params["job_id"])
    if job is None:
        raise _unknown_job()
    return job


def _unknown_job() -> Fault:
    details = {"param_name": "job_id"}
    return Fault(400, "INVALID_DATA", "The jobid given seems to be invalid", details)


async def update_status(call: Call) -> Response:
    return await _status(call, mass.UPDATE, "Updated_Count")


async def delete_status(call: Call) -> Response:
    return await _status(call, mass.DELETE, "Deleted_Count")


async def owner_status(call: Call) -> Response:
    return await _status(call, mass.CHANGE_OWNER, "Updated_Count")


_UPDATE = ("ZohoCRM.mass_update.{module}.UPDATE",)
_DELETE = ("ZohoCRM.mass_delete.{module}.DELETE",)
_OWNER = ("ZohoCRM.change_owner.CREATE", "ZohoCRM.modules.{module}.UPDATE")

ROUTES = (
    Route("POST", "/crm/v8/{module}/actions/mass_update", mass_update, _UPDATE, max_body=MAX_BODY),
    Route("GET", "/crm/v8/{module}/actions/mass_update", update_status, _UPDATE),
    Route("POST", "/crm/v8/{module}/actions/mass_delete", mass_delete, _DELETE, max_body=MAX_BODY),
    Route("GET", "/crm/v8/{module}/actions/mass_delete", delete_status, _DELETE),
    Route("POST", "/crm/v8/{module}/actions/mass_change_owner", mass_change_owner, _OWNER, max_body=MAX_BODY),
    Route("GET", "/crm/v8/{module}/actions/mass_change_owner", owner_status, _OWNER),
)
