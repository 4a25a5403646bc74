"""What the operations of the API do with bulk jobs."""

from collections.abc import Callable
from typing import Any

from moorage.crm.jobs import store
from moorage.crm.jobs.model import BulkJob, Callback
from moorage.crm.metadata.ids import whole_id
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import Call

REVIVED = 120  # Seconds without an end after which whoever looks at a job lets it be worked on, should nobody do so.


async def ask_for(call: Call, kind: str, request: Any, callback: Callback | None = None) -> BulkJob:
    """A new job of the caller. Soon one of all processes works on it.

    If this process ends before the job is scheduled, nobody works on the job, and the caller has got no answer.
    """
    user = call.caller.user
    job = await call.store.write(lambda transaction: store.add(transaction, kind, user, request, callback))
    await call.schedule(call.organisation.id, job.id)
    return job


async def ask_unless(
    call: Call, kind: str, request: Any, is_same: Callable[[BulkJob], bool]
) -> BulkJob | None:
    """The same, but None if a job that is the same has not ended yet."""
    user = call.caller.user

    def add(transaction: Transaction) -> BulkJob | None:
        waiting = [job for job in store.all_jobs(transaction) if not job.has_ended]
        return None if any(map(is_same, waiting)) else store.add(transaction, kind, user, request)

    job = await call.store.write(add)
    if job is not None:
        await call.schedule(call.organisation.id, job.id)
    return job


async def found(call: Call, kind: str, text: str) -> BulkJob | None:
    """The job of a kind with the id that the text names."""
    identity = whole_id(text)
    call.has_asked = True
    job = await store.find(call.organisation, identity) if identity is not None else None
    if job is None or job.kind != kind:
        return None
    await revive(call, job)
    return job


async def revive(call: Call, job: BulkJob) -> None:
    """Let a job be worked on that has not ended, should nobody do so."""
    if not job.has_ended and call.now > job.created + REVIVED:
        # A snapshot may have brought it back, or the organisation has come from another server.
        await call.schedule(call.organisation.id, job.id)
