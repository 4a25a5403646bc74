"""Jobs that several processes share, one of which is killed: is each done once, and how many in a second?"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from moorage.clock import SystemClock
from moorage.jobs import Job, Work, store
from moorage.jobs.runner import Runner
from moorage.jobs.service import Jobs
from moorage.storage import Database

KIND = "bench.note"
_LEASE = 2.0  # Seconds. What a killed process held becomes due again after it.
_LOOK = 0.05
_notes = sa.Table("bench_notes", sa.MetaData(), sa.Column("job", sa.Text), sa.Column("process", sa.Integer))


class TakenMeanwhileError(Exception):
    """Another process has claimed the job since. What was done of it is rolled back."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of jobs. `done` counts jobs, `notes` how often one was done. `processes` have done at least one."""

    seconds: float
    done: int
    notes: int
    processes: int

    @property
    def per_second(self) -> float:
        return self.done / self.seconds


async def drain(url: str, *, count: int = 2000, workers: int = 4, kill: bool = True) -> Drained:
    """Have processes do so many jobs of a control database that has its tables, and none of these jobs yet.

    With `kill`, one of the processes is killed with SIGKILL after an eighth of the jobs.
    """
    async with _opened(url) as database:
        async with database.transaction() as tx:
            await tx.connection.run(_notes.create)
        try:
            await _put(database, count)
            return await _drained(database, url, count, workers, kill=kill)
        finally:
            async with database.transaction() as tx:
                await tx.connection.run(_notes.drop)


async def _put(database: Database, count: int) -> None:
    jobs = Jobs(database)
    async with database.transaction() as tx:
        for number in range(count):
            await jobs.put(tx, KIND, number)


async def _drained(database: Database, url: str, count: int, workers: int, *, kill: bool) -> Drained:
    began = time.perf_counter()
    processes = [
        await create_subprocess_exec(sys.executable, "-m", "benchmarks.jobs", url) for _ in range(workers)
    ]
    try:
        if kill:
            await _until(database, sa.select(sa.func.count() >= count // 8).select_from(_notes))
            await _kill_the_busiest(database)
        await _until(database, sa.select(sa.func.count() == 0).where(store.jobs.c.kind == KIND))
        seconds = time.perf_counter() - began
    finally:
        await _end(processes)
    columns = (_notes.c.job.distinct(), _notes.c.job, _notes.c.process.distinct())
    async with database.reading() as tx:
        row = (await tx.connection.execute(sa.select(*(sa.func.count(column) for column in columns)))).first()
    return Drained(seconds, *row)


async def _until(database: Database, query: sa.Select[bool]) -> None:
    while True:
        async with database.reading() as tx:
            if (await tx.connection.execute(query)).scalar():
                return
        await asyncio.sleep(_LOOK)


async def _kill_the_busiest(database: Database) -> None:
    busiest = sa.select(_notes.c.process).group_by(_notes.c.process).order_by(sa.func.count().desc()).limit(1)
    async with database.reading() as tx:
        os.kill((await tx.connection.execute(busiest)).scalar(), signal.SIGKILL)


async def _end(processes: Sequence[Process]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


@contextlib.asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, SystemClock())
    try:
        yield database
    finally:
        await database.close()


async def work(url: str) -> None:
    """Do jobs until the process ends, each in one transaction with the note of it."""
    async with _opened(url) as database:

        async def note(job: Job) -> None:
            async with database.transaction(quiet=True) as tx:
                await tx.connection.execute(_notes.insert().values(job=job.id, process=os.getpid()))
                if not await store.done(tx, job):
                    raise TakenMeanwhileError

        await Runner(Jobs(database, lease=_LEASE), [Work(KIND, note)]).run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
