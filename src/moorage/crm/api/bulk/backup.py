"""Backups: schedule one, look at it, stop it, download its files [Z schedule-backup], [Z backup-history]."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from moorage.crm.api.bulk.bodies import MAX_BODY, not_found
from moorage.crm.centres import Site
from moorage.crm.faults import Fault
from moorage.crm.files.sending import file_answer
from moorage.crm.jobs import store
from moorage.crm.jobs.asking import found, revive
from moorage.crm.jobs.backup_model import (
    HISTORY,
    KIND,
    BackupRequest,
    entry_of,
    is_over,
    note,
    progress_of,
    request_of,
)
from moorage.crm.jobs.model import BulkJob
from moorage.crm.jobs.recurrence import recurrence_of
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import require_administrator
from moorage.crm.records.outcomes import user_details
from moorage.crm.storage.contract.companions import CompanionPage, CompanionsOf
from moorage.crm.storage.contract.files import StoredFile
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.parameters import page_and_size
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_PERMISSION = "Crm_Implied_Data_Backup"
_NEWEST = 20  # Backups among which the files of the last one are looked for.


async def schedule_backup(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    request = await _request(call)
    user = call.caller.user

    def add(transaction: Transaction) -> tuple[BulkJob, bool]:
        for job in store.of_kind(transaction, KIND):
            if not is_over(job):
                return job, False
        job = store.add(transaction, KIND, user, msgspec.to_builtins(request))
        note(transaction, job, action="initiated" if request.rule is None else "scheduled")
        return job, True

    job, is_new = await call.store.write(add)
    if not is_new:
        raise _Refused("BACKUP_ALREADY_SCHEDULED", "Backup is already scheduled", {"id": str(job.id)})
    await call.schedule(call.organisation.id, job.id)
    return _done(job, "Backup scheduled successfully.")


async def _request(call: Call) -> BackupRequest:
    """Raises the Fault of a body that is not JSON, or of a rule that can't be."""
    text = await call.request.whole()
    try:
        body = msgspec.json.decode(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise Fault(400, "REQUEST_BODY_NOT_READABLE", "The request body is not readable as JSON.") from None
    backup = body.get("backup", {}) if isinstance(body, dict) else body
    if not isinstance(backup, dict):
        raise _invalid("backup", "$.backup")
    rule = backup.get("rrule")
    if rule is None:
        return BackupRequest()
    try:
        recurrence = recurrence_of(rule if isinstance(rule, str) else "")
    except ValueError:
        raise _invalid("rrule", "$.backup.rrule") from None
    return BackupRequest(rule, recurrence.first(call.organisation.zone, int(call.now)))


async def get_backup(call: Call) -> Response:
    """The last backup that was asked for."""
    require_administrator(call, _PERMISSION)
    for job in await _newest(call, 1):
        await revive(call, job)
        return answer({"backup": _document(call, job)})
    return no_content()


def _document(call: Call, job: BulkJob) -> dict[str, Any]:
    request, progress, zone = request_of(job), progress_of(job), call.organisation.zone
    planned = progress.planned if progress.planned is not None else request.first
    return {
        "id": str(job.id),
        "rrule": request.rule,
        "start_date": zoned(zone, request.first) if request.first is not None else None,
        "scheduled_date": zoned(zone, planned) if planned is not None else None,
        "status": _status(job),
        "requester": user_details(call.organisation, job.user, "zuid"),
    }


def _status(job: BulkJob) -> str:
    progress = progress_of(job)
    if job.state == "failed":
        return "FAILED"
    if progress.is_stopped:
        return "STOPPED"
    return {"waiting": "SCHEDULED", "reading": "INPROGRESS", "kept": "COMPLETED"}[progress.phase]


async def list_history(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    number, size = page_and_size(call.params)
    asked = call.store.companions(
        CompanionsOf(HISTORY, newest_first=True), Window(size, offset=(number - 1) * size)
    )
    page = await settled(asked)
    if not page.companions:
        return no_content()
    info = {
        "page": number,
        "per_page": size,
        "count": len(page.companions),
        "more_records": page.more,
    }
    return answer({"history": _entries(call, page), "info": info})


def _entries(call: Call, page: CompanionPage) -> list[dict[str, Any]]:
    entries = [(companion.id, entry_of(companion)) for companion in page.companions]
    return [
        {
            "id": str(identity),
            "done_by": user_details(call.organisation, entry.user, "zuid"),
            "log_time": zoned(call.organisation.zone, entry.time),
            "state": entry.state,
            "action": entry.action,
            "repeat_type": entry.repeats,
            "file_name": None,
            "count": 0,
        }
        for identity, entry in entries
    ]


async def list_urls(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    for job in await _newest(call, _NEWEST):
        expiry = progress_of(job).expiry
        files = await _files(call, job)
        if files and expiry is not None:
            address = f"{Site(call.origin, None).base(call.caller.centre)}/crm/bulk/v8/backup/{job.id}"
            links = [f"{address}/{file.name}" for file in files]
            shown = {
                "data_links": [link for link in links if link.rpartition("/")[2].startswith("Data")],
                "attachment_links": [link for link in links if "/Attachments" in link],
                "expiry_date": zoned(call.organisation.zone, expiry),
            }
            return answer({"urls": shown})
    return no_content()


async def download_file(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    job = await found(call, KIND, call.path["id"])
    for file in await _files(call, job) if job is not None else []:
        if file.name == call.path["file_name"]:
            return file_answer(call.store.files, file)
    raise not_found(call.path["file_name"])


async def stop_backup(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    job = await found(call, KIND, call.path["id"])
    if job is None:
        raise _unknown()
    return _done(await call.store.write(_stopping(call, job.id)), "Backup stopped successfully.")


def _stopping(call: Call, identity: int) -> Callable[[Transaction], BulkJob]:
    def stop(transaction: Transaction) -> BulkJob:
        job = store.found_in(transaction, identity)
        if job is None:
            raise _unknown()
        progress, details = progress_of(job), {"id": str(job.id)}
        if progress.is_stopped:
            raise _Refused("ALREADY_CANCELLED", "Backup is already canceled", details)
        if is_over(job):
            raise _unknown()
        if progress.phase == "reading":
            raise _Refused("INPROGRESS", "Backup is in progress", details)
        note(transaction, replace(job, user=call.caller.user), action="stopped")
        stopped = msgspec.to_builtins(replace(progress, phase="kept", is_stopped=True))
        if progress.expiry is not None:  # The job goes on until the files are removed.
            return store.store(transaction, job, progress=stopped)
        return store.store(transaction, job, progress=stopped, state="completed", ended=transaction.now)

    return stop


async def _newest(call: Call, most: int) -> list[BulkJob]:
    asked = call.store.companions(CompanionsOf(store.KIND, name=KIND, newest_first=True), Window(most))
    page = await settled(asked)
    return [store.job_of(companion) for companion in page.companions]


async def _files(call: Call, job: BulkJob) -> Sequence[StoredFile]:
    """The files of a backup that can be downloaded now."""
    expiry = progress_of(job).expiry
    if expiry is None or expiry <= call.now:
        return []
    return (await call.store.files.owned_by([job.id])).get(job.id, [])


def _done(job: BulkJob, message: str) -> Response:
    details = {"id": str(job.id)}
    return answer(
        {"backup": {"status": "success", "code": "SUCCESS", "message": message, "details": details}}
    )


class _Refused(Fault):
    def __init__(self, code: str, message: str, details: dict[str, Any]) -> None:
        super().__init__(400, code, message, details)

    def document(self) -> dict[str, Any]:
        return {"backup": super().document()}


def _invalid(name: str, path: str) -> Fault:
    return _Refused("INVALID_DATA", "Invalid data", {"api_name": name, "json_path": path})


def _unknown() -> Fault:
    return Fault(400, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist")


_PATH = "/crm/bulk/v8/backup"
_READ = ("ZohoCRM.bulk.backup.READ",)

ROUTES = (
    Route("POST", _PATH, schedule_backup, ("ZohoCRM.bulk.backup.CREATE",), max_body=MAX_BODY),
    Route("GET", _PATH, get_backup, _READ),
    Route("GET", f"{_PATH}/history", list_history, _READ),
    Route("GET", f"{_PATH}/urls", list_urls, _READ),
    Route("GET", f"{_PATH}/{{id}}/{{file_name}}", download_file, _READ),
    Route("PUT", f"{_PATH}/{{id}}/actions/cancel", stop_backup, ("ZohoCRM.bulk.backup.UPDATE",)),
)
