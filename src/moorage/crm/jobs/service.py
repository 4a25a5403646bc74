"""The bulk jobs of all organisations, as one process sees them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec

from moorage.crm.jobs import store
from moorage.crm.jobs.kinds import KINDS
from moorage.crm.jobs.model import BulkJob, JobFailed, Step, Worker
from moorage.crm.jobs.pace import Pace
from moorage.crm.jobs.store import Overtaken
from moorage.crm.organisations.service import Organisations
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import StoreClosed, Transaction

T = TypeVar("T")

# Given the organisation, the job and the address of its callback. Raises if nobody took it.
Tell: TypeAlias = Callable[[Organisation, BulkJob, str], Awaitable[None]]

MOST = 2  # Jobs on which one process works at the same time.
MOST_FAILURES = 10  # Failures since the last step, after which a job is given up.


class BulkJobs:
    """`kinds` makes the worker for a job of each kind. `tell` tells a job's callback how it ended."""

    def __init__(
        self,
        organisations: Organisations,
        kinds: Mapping[str, Callable[[], Worker]] = KINDS,
        tell: Tell | None = None,
    ) -> None:
        self._organisations = organisations
        self._kinds = kinds
        self._tell = tell
        self._turns = asyncio.Semaphore(MOST)

    async def run(self, organisation: int, job: int, failures: int = 0) -> int:
        """Work on a job until it has ended, or has to pause: then the seconds are given. 0 is also given if the job is
        gone, or if somebody else works on it.

        `failures` is how often an attempt has failed, or was broken off by the end of its process. Raises what keeps
        the job from being done now.
        """
        async with self._turns:
            worker: Worker | None = None
            pace = Pace()
            try:
                while (opened := await self._organisations.open(organisation)) is not None:
                    try:
                        found = await store.find(opened, job)
                        if found is None or found.is_done:
                            break
                        if found.has_ended:
                            await self._told(opened, found, failures)
                            continue
                        worker = worker or self._kinds[found.kind]()
                        if seconds := await _step(opened, found, worker, failures):
                            return seconds
                    except StoreClosed:  # It was changed or moved meanwhile.
                        continue
                    except Overtaken:
                        break
                    await pace.pause()
            finally:
                if worker is not None:
                    await worker.close()
        return 0

    async def _told(self, organisation: Organisation, job: BulkJob, failures: int) -> None:
        """Tell the end of a job. After so many failures, nobody is told."""
        assert job.callback is not None
        if self._tell is not None and failures - job.failures <= MOST_FAILURES:
            await self._tell(organisation, job, job.callback.url)
        told = msgspec.structs.replace(job.callback, told=True)
        await _write(organisation, job, lambda transaction: store.store(transaction, job, callback=told))


async def _step(organisation: Organisation, job: BulkJob, worker: Worker, failures: int) -> int:
    """Gives the seconds for which the job has to pause."""
    if job.state == "added":
        await _write(organisation, job, lambda transaction: store.store(transaction, job, state="running"))
    elif failures - job.failures > MOST_FAILURES:
        await _fail(organisation, job, job.progress)
    else:
        try:
            step = await worker.step(organisation, job)
            return await _write(organisation, job, partial(_do, job, step, failures))
        except JobFailed as failure:
            await _fail(organisation, job, failure.progress)
    return 0


def _do(job: BulkJob, step: Step, failures: int, transaction: Transaction) -> int:
    progress = step(transaction)
    store.progressed(transaction, job, progress, failures)
    return progress.pause


async def _fail(organisation: Organisation, job: BulkJob, progress: object) -> None:
    def fail(transaction: Transaction) -> None:
        store.store(transaction, job, state="failed", ended=transaction.now, progress=progress)

    await _write(organisation, job, fail)


async def _write(organisation: Organisation, seen: BulkJob, change: Callable[[Transaction], T]) -> T:
    """Change a job, and records with it. Raises Overtaken if it is not as it was seen."""

    def write(transaction: Transaction) -> T:
        store.require_same(transaction, seen)
        return change(transaction)

    return await organisation.store.write(write)
