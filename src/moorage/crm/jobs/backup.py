"""Backups of an organisation: a bulk job that waits for its time, makes the files, and removes them after a week.

Reading is one step, as that of a bulk read: whoever breaks off leaves parts that are swept, and begins again.
"""

from collections.abc import Sequence

import msgspec

from moorage.crm.jobs.backup_files import Written, written
from moorage.crm.jobs.backup_model import BackupProgress, note, progress_of, request_of
from moorage.crm.jobs.model import BulkJob, Progress, Step
from moorage.crm.jobs.recurrence import recurrence_of
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

KEPT = 7 * 24 * 3600  # Seconds for which the files can be downloaded.


class Backup:
    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        progress = progress_of(job)
        if progress.phase != "reading":
            return lambda transaction: _waited(transaction, job, progress)
        files = await written(organisation)
        return lambda transaction: _made(transaction, organisation, job, progress, files)

    async def close(self) -> None:
        """Nothing is held."""


def _waited(transaction: Transaction, job: BulkJob, progress: BackupProgress) -> Progress:
    """Remove what is over, and begin what is due."""
    now, planned, expiry = transaction.now, progress.planned, progress.expiry
    if expiry is not None and expiry <= now:
        transaction.files.remove_all_of([job.id])
        expiry = None
    changed = msgspec.structs.replace(progress, expiry=expiry)
    if progress.phase == "kept":
        return _going_on(changed, expiry, now, is_last=expiry is None)
    if planned is not None and planned <= now:
        return Progress(msgspec.to_builtins(msgspec.structs.replace(changed, phase="reading")))
    return _going_on(changed, min(time for time in (planned, expiry) if time is not None), now)


def _made(
    transaction: Transaction,
    organisation: Organisation,
    job: BulkJob,
    progress: BackupProgress,
    files: Sequence[Written],
) -> Progress:
    now = transaction.now
    transaction.files.remove_all_of([job.id])
    for file in files:
        file.zipped.add(transaction, file.name, job.user, owner=job.id)
    note(transaction, job, state="completed")
    rule, expiry = request_of(job).rule, now + KEPT
    if rule is None:
        return _going_on(BackupProgress("kept", expiry=expiry), expiry, now)
    planned = recurrence_of(rule).next(organisation.zone, progress.planned or now, now)
    return _going_on(BackupProgress("waiting", planned, expiry), min(planned, expiry), now)


def _going_on(progress: BackupProgress, at: int | None, now: int, *, is_last: bool = False) -> Progress:
    pause = max(1, at - now) if at is not None else 0
    return Progress(msgspec.to_builtins(progress), is_last=is_last, pause=pause)
