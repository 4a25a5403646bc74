"""Bulk jobs as companions of their organisation: so they are in its snapshots, and move with it."""

from typing import Any

import msgspec

from moorage.crm.jobs.model import BulkJob, Callback, Progress
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import settled

KIND = "bulk job"
KEPT = 7 * 24 * 3600  # Seconds for which a job is kept after its end.


class Overtaken(Exception):
    """Somebody else has stored a step of the job meanwhile, or it is gone. Nothing was changed."""


def add(
    transaction: Transaction, kind: str, user: int, request: Any, callback: Callback | None = None
) -> BulkJob:
    """Store a new job, and remove those that ended long ago."""
    jobs = all_jobs(transaction)
    transaction.companions.remove(
        [job.id for job in jobs if job.ended is not None and job.ended + KEPT < transaction.now]
    )
    job = BulkJob(transaction.new_ids(1)[0], kind, user, transaction.now, request, callback=callback)
    _put(transaction, job)
    return job


def all_jobs(transaction: Transaction) -> list[BulkJob]:
    return [job_of(companion) for companion in transaction.companions.of(KIND, [0]).get(0, [])]


def of_kind(transaction: Transaction, kind: str) -> list[BulkJob]:
    return [job_of(companion) for companion in transaction.companions.named(KIND, [kind]).get(kind, [])]


def found_in(transaction: Transaction, job: int) -> BulkJob | None:
    companion = transaction.companions.by_id([job]).get(job)
    return None if companion is None else job_of(companion)


async def find(organisation: Organisation, job: int) -> BulkJob | None:
    companion = organisation.store.companion(KIND, job)
    found = await settled(companion)
    return None if found is None else job_of(found)


def require_same(transaction: Transaction, seen: BulkJob) -> None:
    """Raise Overtaken unless the job is as it was seen."""
    job = found_in(transaction, seen.id)
    if job is None or job.steps != seen.steps:
        raise Overtaken


def store(transaction: Transaction, job: BulkJob, **changes: Any) -> BulkJob:
    """Store a step of a job that is as it was seen."""
    changed = msgspec.structs.replace(job, steps=job.steps + 1, **changes)
    _put(transaction, changed)
    return changed


def progressed(transaction: Transaction, job: BulkJob, progress: Progress, failures: int) -> BulkJob:
    """Store the step that has led to this progress."""
    ended = {"state": "completed", "ended": transaction.now} if progress.is_last else {}
    return store(transaction, job, progress=progress.value, failures=failures, **ended)


def _put(transaction: Transaction, job: BulkJob) -> None:
    body = msgspec.to_builtins(job)
    transaction.companions.put([Companion(job.id, KIND, name=job.kind, body=body)])


def job_of(companion: Companion) -> BulkJob:
    return msgspec.convert(companion.body, BulkJob)
