"""Bulk reads: begin one, look how far it is, download what it read [Z bulk-read]."""

from typing import Any

import msgspec

from moorage.crm.api.bulk.bodies import MAX_BODY, callback_of, json_object, not_found
from moorage.crm.api.bulk.read_requests import read_request, require_readable, token_scope
from moorage.crm.api.bulk.results import download
from moorage.crm.faults import Fault
from moorage.crm.jobs.asking import ask_for, found
from moorage.crm.jobs.bulk_read import KIND, PER_PAGE, ReadRequest, ReadResult
from moorage.crm.jobs.model import BulkJob
from moorage.crm.metadata.times import zoned
from moorage.crm.records.outcomes import user_details
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Position
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.page_tokens import LIFETIME, PagePosition, PageTokens
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_STATES = {"added": "ADDED", "running": "IN PROGRESS", "completed": "COMPLETED", "failed": "FAILURE"}


async def begin(call: Call) -> Response:
    body = await json_object(call)
    callback, request = callback_of(body), read_request(call, body)
    job = await ask_for(call, KIND, msgspec.to_builtins(request), callback)
    details = {"id": str(job.id), "operation": "read", "state": "ADDED", **_asked(call.organisation, job)}
    done = {
        "status": "success",
        "code": "ADDED_SUCCESSFULLY",
        "message": "Added successfully.",
        "details": details,
    }
    return answer({"data": [done], "info": {}}, 201)


async def look(call: Call) -> Response:
    job = await _job(call)
    return answer({"data": [document_of(call.organisation, call.tokens, job, call.request.path.decode())]})


async def result(call: Call) -> Response:
    job = await _job(call)
    if job.state != "completed":
        raise not_found(call.path["job_id"])
    require_readable(call, msgspec.convert(job.request, ReadRequest))
    return await download(call, msgspec.convert(job.progress, ReadResult).key, call.path["job_id"])


async def _job(call: Call) -> BulkJob:
    job = await found(call, KIND, call.path["job_id"])
    if job is None:
        raise not_found(call.path["job_id"])
    return job


def document_of(organisation: Organisation, tokens: PageTokens, job: BulkJob, address: str) -> dict[str, Any]:
    """The job as it is now. `address` is its path."""
    request = msgspec.convert(job.request, ReadRequest)
    document = {
        "id": str(job.id),
        "operation": "read",
        "state": _STATES[job.state],
        "query": _query(organisation, request),
        **_asked(organisation, job),
        "file_type": request.file_type,
    }
    if job.state == "completed":
        document["result"] = _result(organisation, tokens, job, request, address)
    elif job.state == "failed":
        document["result"] = {"error_message": (job.progress or {}).get("error") or _GIVEN_UP}
    return document


_GIVEN_UP = Fault(500, "INTERNAL_ERROR", "The job was given up after several attempts.").document()


def _asked(organisation: Organisation, job: BulkJob) -> dict[str, Any]:
    return {
        "created_by": user_details(organisation, job.user),
        "created_time": zoned(organisation.zone, job.created),
    }


def _query(organisation: Organisation, request: ReadRequest) -> dict[str, Any]:
    module = organisation.catalog.modules.get(request.module)
    query: dict[str, Any] = {
        "module": {"id": str(module.id) if module is not None else None, "api_name": request.module},
        "page": request.page,
    }
    if request.fields is not None:
        query["fields"] = request.fields
    if request.criteria is not None:
        query["criteria"] = request.criteria
    if request.cvid is not None:
        query["cvid"] = str(request.cvid)
    return query


def _result(
    organisation: Organisation, tokens: PageTokens, job: BulkJob, request: ReadRequest, address: str
) -> dict[str, Any]:
    done = msgspec.convert(job.progress, ReadResult)
    shown: dict[str, Any] = {
        "page": request.page,
        "per_page": PER_PAGE[request.file_type],
        "count": done.count,
        "download_url": f"{address}/result",
        "more_records": done.more,
    }
    if done.more:
        ended = job.ended or job.created
        following = PagePosition(Position(None, done.last), request.page + 1, False, ended + LIFETIME)
        shown["next_page_token"] = tokens.make(following, token_scope(organisation.id, job.user, request))
    return shown


_READ = ("ZohoCRM.bulk.READ",)

ROUTES = (
    Route("POST", "/crm/bulk/v8/read", begin, _READ, max_body=MAX_BODY),
    Route("GET", "/crm/bulk/v8/read/{job_id}", look, _READ),
    Route("GET", "/crm/bulk/v8/read/{job_id}/result", result, _READ),
)
