"""The jobs that all processes share, as one process sees them."""

import os
from collections.abc import Collection
from typing import Any

from moorage.jobs import owners, store
from moorage.jobs.model import Job, Work
from moorage.storage import Database, Transaction

LEASE = 60.0  # Seconds.
_LONGEST_REASON = 500  # Characters.
ENDED = "The process that ran it has ended."


class Jobs:
    """All methods raise DatabaseUnusable. Their transactions are quiet, as no process remembers jobs.

    `lease` is for how many seconds a job is held. If its process ends, another one on the same machine takes it at
    once, and any other one after this time.
    """

    def __init__(self, database: Database, *, lease: float = LEASE) -> None:
        self.lease = lease
        self._database = database
        self._owner = owners.name_of(os.getpid())

    async def put(self, tx: Transaction, kind: str, payload: Any, subject: str | None = None) -> bool:
        """Add a job in an open transaction, so that it exists if and only if the rest of the transaction does.

        With a `subject`, there is one job of this kind for it. Returns False if that one waits already, or is held.
        """
        return await store.put(tx, kind, payload, subject=subject)

    async def put_timed(self, kinds: Collection[str]) -> None:
        """Add the jobs of these kinds that do not exist yet. Of each kind there is one."""
        async with self._database.reading() as tx:
            missing = await store.missing(tx, kinds)
        if missing:
            async with self._database.transaction(quiet=True) as tx:
                for kind in missing:
                    await self.put(tx, kind, {}, subject="")

    async def claim(self, kinds: Collection[str], most: int) -> list[Job]:
        """Hold up to `most` jobs of these kinds that are due. While none is due, this only reads.

        What a process of this machine held that has ended is due.
        """
        async with self._database.reading() as tx:
            ended = [owner for owner in await store.owners(tx) if owners.has_ended(owner)]
            if not ended and not await store.is_any_due(tx, kinds):
                return []
        async with self._database.transaction(quiet=True) as tx:
            await store.release(tx, ended)
            return await store.claim(tx, kinds, most, self.lease, self._owner)

    async def extend(self, held: Collection[Job]) -> set[tuple[str, int]]:
        """Hold jobs for another lease. Returns the ids and attempts of those that are still held."""
        async with self._database.transaction(quiet=True) as tx:
            return await store.extend(tx, held, self.lease)

    async def done(self, job: Job, work: Work) -> None:
        """Remove a job that is done, or let it become due again if its work is timed."""
        async with self._database.transaction(quiet=True) as tx:
            if work.every is None:
                await store.done(tx, job)
            else:
                await store.put_back(tx, job, work.every, failures=0)

    async def failed(self, job: Job, work: Work, reason: str) -> None:
        """Let a job become due again after a pause, or give it up and keep it with the reason."""
        failures = job.failures + 1
        pause = None if work.gives_up(failures) else work.pause(failures)
        async with self._database.transaction(quiet=True) as tx:
            await store.put_back(tx, job, pause, failures=failures, failure=reason[:_LONGEST_REASON])

    async def put_off(self, job: Job, seconds: float) -> None:
        """Let a job become due again in so many seconds, or after `LONGEST_PAUSE`. That is no failure."""
        async with self._database.transaction(quiet=True) as tx:
            await store.put_back(tx, job, seconds, failures=job.failures)

    async def give_up(self, job: Job) -> None:
        """Keep a job as failed whose processes have ended too often before it was done."""
        async with self._database.transaction(quiet=True) as tx:
            await store.put_back(tx, job, None, failures=job.failures, failure=ENDED)

    async def give_back(self, job: Job) -> None:
        """Let a job become due at once, as if it had not been claimed."""
        async with self._database.transaction(quiet=True) as tx:
            await store.put_back(tx, job, 0, failures=job.failures)
