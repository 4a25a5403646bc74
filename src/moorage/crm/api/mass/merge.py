"""Merge records into one, and ask how far a merge is [Z merge-records]."""

import msgspec

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.mass.actions import STATES
from moorage.crm.faults import Fault, module_unsupported, param_invalid
from moorage.crm.jobs.asking import ask_unless, found
from moorage.crm.jobs.merge import KIND
from moorage.crm.jobs.model import BulkJob
from moorage.crm.jobs.store import of_kind
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.access import readable, writable
from moorage.crm.records.merging.merging import Merging, merges, refused
from moorage.crm.records.merging.moving import pointing_to
from moorage.crm.records.merging.request import MergeRequest, read_merge
from moorage.crm.records.outcomes import Outcome, Refused, failed
from moorage.crm.records.reading import record_id, reference_to
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_AT_ONCE = 500  # Records that go over to the master within the call.
MAX_BODY = 1024 * 1024


async def merge(call: Call) -> Response:
    module, master = writable(call, "editable"), record_id(call)
    if not merges(module) or not module.flags.get("deletable"):
        raise module_unsupported()
    spec = await _spec(call)
    try:
        request = read_merge(module, master, spec)
    except Fault as fault:
        return outcomes_answer("merge", [failed(fault)])
    try:
        if await _is_long(call, module, request):
            return await _later(call, request)
        outcome = await call.store.write(lambda transaction: _merged(call, request, transaction))
    except Refused as refused_merge:
        outcome = refused_merge.outcome
    return answer({"merge": [outcome.document]}, outcome.status)


async def get_merge(call: Call) -> Response:
    module, master = readable(call), record_id(call)
    if not merges(module):
        raise module_unsupported()
    text = call.params.get("job_id")
    job = await found(call, KIND, text) if text is not None else None
    if text is not None and (job is None or _request_of(job).master.record != master):
        raise param_invalid("job_id")
    if job is None:
        if await reference_to(call, module, master) is None:
            raise Fault(400, "INVALID_DATA", "Master record is not found", {"resource_path_index": 1})
        return no_content()
    return answer({"merge": [{"job_id": str(job.id), "status": STATES[job.state]}]})


async def _spec(call: Call) -> JsonObject:
    body = await object_of(call)
    sent = body.raw("merge")
    if isinstance(sent, list) and len(sent) > 1:
        raise Fault(400, "INVALID_DATA", "invalid data", {})
    if not (specs := body.items("merge", 1)):
        raise body.missing("merge")
    return specs[0]


async def _is_long(call: Call, module: Module, request: MergeRequest) -> bool:
    """Whether so much goes over that no caller should wait for it."""
    left = MOST_AT_ONCE
    for pointing in pointing_to(call.organisation.catalog, module):
        left -= await call.store.count(pointing.module, [pointing.to(request.gone)])
        if left < 0:
            return True
    return False


def _merged(call: Call, request: MergeRequest, transaction: Transaction) -> Outcome:
    merging = Merging(call.organisation, transaction, call.caller.user, request)
    merging.check()
    jobs = of_kind(transaction, KIND)
    for part in request.others:
        if any(_concerns(job, part.record) for job in jobs):
            raise Refused(failed(refused(part)))
    return merging.finish()


async def _later(call: Call, request: MergeRequest) -> Response:
    def check(transaction: Transaction) -> None:
        Merging(call.organisation, transaction, call.caller.user, request).check()

    await call.store.write(check)
    records = request.records
    job = await ask_unless(
        call,
        KIND,
        msgspec.to_builtins(request),
        lambda job: any(_concerns(job, record) for record in records),
    )
    if job is None:
        raise Refused(failed(refused(request.others[0])))
    message = "The records have been scheduled in a scheduler"
    details = {"job_id": str(job.id)}
    scheduled = {"code": "SCHEDULED", "details": details, "message": message, "status": "success"}
    return answer({"merge": [scheduled]}, 201)


def _concerns(job: BulkJob, record: int) -> bool:
    """Whether a job that has not ended merges the record."""
    return job.kind == KIND and not job.has_ended and record in _request_of(job).records


def _request_of(job: BulkJob) -> MergeRequest:
    return msgspec.convert(job.request, MergeRequest)


_PATH = "/crm/v8/{module}/{id}/actions/merge"
_SCOPE = "ZohoCRM.modules.{module}"
ROUTES = (
    Route("GET", _PATH, get_merge, (f"{_SCOPE}.READ",)),
    Route("POST", _PATH, merge, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
)
