"""Runs jobs in this process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from moorage.background import Loop
from moorage.jobs.model import Job, PutOff, Work
from moorage.jobs.service import ENDED, Jobs
from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable

MOST = 8  # Jobs that run at the same time in one process.
LOOK_SECONDS = 1.0  # The time between two looks for jobs that are due.
STOP_SECONDS = 5.0  # The time that jobs have to end when the process stops.

log = Log(__name__)


@dataclass(eq=False, slots=True)
class _Run:
    job: Job
    work: Work
    task: "asyncio.Task[None]" = field(init=False)
    is_lost: bool = False
    has_ended: bool = False


class Runner:
    """Claims jobs that are due and runs them, at most `most` at a time.

    A second after they are put, or at the end of their pause, jobs are claimed by any process that has room. A job that
    takes long is held for as long as it runs. While the database can't be used, jobs that run go on, and how they ended
    is written once it can be used again.
    """

    def __init__(self, jobs: Jobs, works: Iterable[Work], *, most: int = MOST) -> None:
        self._jobs = jobs
        self._works = {work.kind: work for work in works}
        self._timed = {work.kind for work in self._works.values() if work.every is not None}
        self._most = most
        self._runs: set[_Run] = set()
        self._extended = 0.0
        self._look_under_way: asyncio.Future[bool] | None = None
        self._has_room = asyncio.Event()

    def background(self) -> Sequence[Loop]:
        return (Loop("jobs.run", self.run),)

    async def run(self) -> None:
        """Run jobs until cancelled. Those that run then have STOP_SECONDS to end. The others are given back."""
        self._extended = monotonic()
        try:
            await self._until_written(lambda: self._jobs.put_timed(self._timed))
            while True:
                self._has_room.clear()
                # A claim is not broken off, because nobody would run what it has claimed.
                self._look_under_way = asyncio.ensure_future(self._written(self._look()))
                await asyncio.shield(self._look_under_way)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._has_room.wait()
        finally:
            await self._stop()

    async def _look(self) -> None:
        if self._runs and monotonic() - self._extended > self._jobs.lease / 3:
            await self._extend()
        room = self._most - len(self._runs)
        # By halves, so that a claim is worth its transaction.
        if room * 2 >= self._most:
            for job in await self._jobs.claim(self._works, room):
                self._start(job)

    def _start(self, job: Job) -> None:
        run = _Run(job, self._works[job.kind])
        run.task = asyncio.create_task(self._run(run), name=job.kind)
        self._runs.add(run)

    async def _extend(self) -> None:
        started, runs = monotonic(), list(self._runs)
        held = await self._jobs.extend([run.job for run in runs])
        self._extended = started
        for run in runs:
            # Work may remove its job itself, in the transaction that does it.
            if not run.has_ended and (run.job.id, run.job.attempt) not in held:
                run.is_lost = True
                run.task.cancel()

    async def _run(self, run: _Run) -> None:
        try:
            write = await self._attempt(run)
            run.has_ended = True
            await self._until_written(write)
        except asyncio.CancelledError:
            if run.is_lost:
                log.warning("jobs.lost", job=run.job.id, kind=run.job.kind)
            else:
                await self._written(self._jobs.give_back(run.job))
            raise
        finally:
            self._runs.discard(run)
            if len(self._runs) * 2 <= self._most:
                self._has_room.set()

    async def _attempt(self, run: _Run) -> Callable[[], Awaitable[object]]:
        """Run a job once. Returns what writes how it ended."""
        job, work = run.job, run.work
        if work.gives_up(job.failures):
            _log_failure(job, work, job.failures, ENDED)
            return lambda: self._jobs.give_up(job)
        try:
            await work.run(job)
        except PutOff as later:
            seconds = later.seconds
            return lambda: self._jobs.put_off(job, seconds)
        except (Exception, asyncio.CancelledError) as error:
            if _is_cancelled():
                raise
            reason = f"{type(error).__name__}: {error}"
            _log_failure(job, work, job.failures + 1, reason)
            return lambda: self._jobs.failed(job, work, reason)
        return lambda: self._jobs.done(job, work)

    async def _until_written(self, write: Callable[[], Awaitable[object]]) -> None:
        while True:
            if await self._written(write()):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _written(self, write: Awaitable[object]) -> bool:
        """False if the database can't be used now. Its log line is that of the database."""
        try:
            await write
        except DatabaseUnusable:
            return False
        return True

    async def _stop(self) -> None:
        end = monotonic() + STOP_SECONDS
        if self._look_under_way is not None:
            await asyncio.wait([self._look_under_way], timeout=STOP_SECONDS)
        late = await _unfinished([run.task for run in self._runs], end - monotonic())
        for task in late:
            task.cancel()
        await _unfinished(late, STOP_SECONDS)


async def _unfinished(
    tasks: "Collection[asyncio.Task[None]]", seconds: float
) -> "Collection[asyncio.Task[None]]":
    """Those of the tasks that have not ended after so many seconds."""
    if not tasks:
        return ()
    _, unfinished = await asyncio.wait(tasks, timeout=max(seconds, 0))
    return unfinished


def _log_failure(job: Job, work: Work, failures: int, reason: str) -> None:
    if work.gives_up(failures):
        log.error("jobs.given_up", job=job.id, kind=job.kind, failures=failures, reason=reason)
    else:
        log.warning("jobs.failed", job=job.id, kind=job.kind, failures=failures, reason=reason)


def _is_cancelled() -> bool:
    """True if somebody has cancelled this task. An exception of the same type may also come from what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
