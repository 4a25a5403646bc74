"""Bulk writes: begin one, look how far it is, download what became of each row [Z bulk-write]."""

from typing import Any

import msgspec

from moorage.crm.api.bulk.bodies import MAX_BODY, callback_of, json_object, not_found
from moorage.crm.api.bulk.results import download
from moorage.crm.api.bulk.write_requests import write_request
from moorage.crm.centres import Site
from moorage.crm.jobs.asking import ask_for, found
from moorage.crm.jobs.model import BulkJob
from moorage.crm.jobs.write_model import KIND, FileProgress, WriteProgress, WriteRequest
from moorage.crm.metadata.times import zoned
from moorage.crm.records.outcomes import user_details
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_STATES = {"added": "ADDED", "running": "INPROGRESS", "completed": "COMPLETED", "failed": "FAILED"}


async def begin(call: Call) -> Response:
    body = await json_object(call)
    callback, request = callback_of(body), await write_request(call, body)
    job = await ask_for(call, KIND, msgspec.to_builtins(request), callback)
    details = {"id": str(job.id), "created_by": user_details(call.organisation, job.user)}
    return answer({"status": "success", "code": "SUCCESS", "message": "success", "details": details}, 201)


async def look(call: Call) -> Response:
    # The whole address, as at Zoho, whose SDK asks for it as it stands.
    base = Site(call.origin, None).base(call.caller.centre)
    return answer(document_of(call.organisation, await _job(call), f"{base}{call.request.path.decode()}"))


async def result(call: Call) -> Response:
    job = await _job(call)
    if job.state != "completed":
        raise not_found(call.path["job_id"])
    key = msgspec.convert(job.progress, WriteProgress).key
    return await download(call, key or "", call.path["job_id"])


async def _job(call: Call) -> BulkJob:
    job = await found(call, KIND, call.path["job_id"])
    if job is None:
        raise not_found(call.path["job_id"])
    return job


def document_of(organisation: Organisation, job: BulkJob, address: str) -> dict[str, Any]:
    """The job as it is now. `address` is its whole address."""
    request = msgspec.convert(job.request, WriteRequest)
    progress = msgspec.convert(job.progress, WriteProgress) if job.progress is not None else None
    document = {
        "status": _STATES[job.state],
        "character_encoding": request.encoding,
        "resource": _resources(organisation, job, request, progress),
        "id": str(job.id),
        "created_by": user_details(organisation, job.user),
        "operation": request.operation,
        "created_time": zoned(organisation.zone, job.created),
    }
    if job.state == "completed":
        document["result"] = {"download_url": f"{address}/result"}
    if job.callback is not None:
        document["callback"] = {"url": job.callback.url, "method": job.callback.method}
    return document


def _resources(
    organisation: Organisation, job: BulkJob, request: WriteRequest, progress: WriteProgress | None
) -> list[dict[str, Any]]:
    """Each file as a resource of its own; before the files are known, the resources of the request."""
    files = [FileProgress(number, "") for number in range(len(request.resources))]
    files = files if progress is None else progress.files
    at = -1 if progress is None else progress.at
    return [
        _resource(organisation, request, file, _status(job, file, at - number))
        for number, file in enumerate(files)
    ]


def _status(job: BulkJob, file: FileProgress, ahead: int) -> str:
    """The status of a file. `ahead` is how many files behind it the job is."""
    if not file.is_readable:
        return "FAILED"
    if job.has_ended:
        return "COMPLETED" if ahead > 0 else "SKIPPED"
    return "COMPLETED" if ahead > 0 else "INPROGRESS" if ahead == 0 else "ADDED"


def _resource(
    organisation: Organisation, request: WriteRequest, file: FileProgress, status: str
) -> dict[str, Any]:
    resource = request.resources[file.resource]
    module = organisation.catalog.modules.get(resource.module)
    shown: dict[str, Any] = {
        "status": status,
        "code": status if file.is_readable and status != "COMPLETED" else file.code,
        "type": "data",
        "module": {"api_name": resource.module, "id": str(module.id) if module is not None else None},
        "field_mappings": request.shown[file.resource],
        "file": {
            "status": status,
            "name": file.name,
            "added_count": file.added,
            "skipped_count": file.skipped,
            "updated_count": file.updated,
            "total_count": file.total,
        },
    }
    if resource.find_by is not None:
        shown["find_by"] = resource.find_by
    return shown


ROUTES = (
    Route("POST", "/crm/bulk/v8/write", begin, ("ZohoCRM.bulk.CREATE",), max_body=MAX_BODY),
    Route("GET", "/crm/bulk/v8/write/{job_id}", look, ("ZohoCRM.bulk.READ",)),
    Route("GET", "/crm/bulk/v8/write/{job_id}/result", result, ("ZohoCRM.bulk.READ",)),
)
