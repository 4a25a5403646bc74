"""The table of jobs.

A job that is held becomes due again at the end of its lease. So nothing has to be done for a holder that has ended.
Transactions are serial (`Database.transaction`), so no two processes claim the same job.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from moorage.ids import new_uuid
from moorage.jobs.model import LONGEST_PAUSE, Job
from moorage.storage import Transaction

_LONGEST = int(LONGEST_PAUSE * 1_000_000)  # Microseconds, as all times here.

jobs = sa.Table(
    "jobs",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("payload", sa.JSON),
    # None for a job that was given up.
    sa.Column("due_at", sa.BigInteger),
    # How often it was claimed. It only rises, so it tells the holders of a job apart.
    sa.Column("attempts", sa.Integer),
    # The attempts since the last success that failed, or were never ended.
    sa.Column("failures", sa.Integer),
    # Why the last attempt failed.
    sa.Column("failure", sa.Text),
    # The process that holds it; None if nobody does.
    sa.Column("owner", sa.Text),
)


async def put(tx: Transaction, kind: str, payload: Any, *, subject: str | None = None) -> bool:
    """Add a job that is due now. With a `subject`, there is one job of this kind for it.

    Returns False if that one exists and was not given up: then nothing is added.
    """
    if subject is not None:
        same = (jobs.c.kind == kind) & (jobs.c.subject == subject)
        await tx.connection.execute(jobs.delete().where(same & jobs.c.due_at.is_(None)))
        if (await tx.connection.execute(sa.select(jobs.c.id).where(same))).first() is not None:
            return False
    values = {"id": new_uuid(), "kind": kind, "subject": subject, "payload": payload}
    await tx.connection.execute(jobs.insert().values(**values, due_at=tx.now, attempts=0, failures=0))
    return True


async def missing(tx: Transaction, kinds: Collection[str]) -> set[str]:
    """Those of the kinds that have no job."""
    rows = await tx.connection.execute(sa.select(jobs.c.kind).where(jobs.c.kind.in_(kinds)).distinct())
    return set(kinds) - {row.kind for row in rows}


async def is_any_due(tx: Transaction, kinds: Collection[str]) -> bool:
    found = await tx.connection.execute(sa.select(sa.literal(1)).where(_is_due(tx, kinds)).limit(1))
    return found.first() is not None


async def count(tx: Transaction) -> dict[tuple[str, ...], float]:
    """How many jobs are `waiting` (due now), `running`, put off for `later`, or have `failed` (given up)."""
    is_now = jobs.c.due_at <= tx.now
    state = sa.case(
        (jobs.c.due_at.is_(None), "failed"),
        (is_now, "waiting"),
        (jobs.c.owner.is_not(None), "running"),
        else_="later",
    )
    rows = await tx.connection.execute(sa.select(state.label("state"), sa.func.count()).group_by("state"))
    none: dict[tuple[str, ...], float] = dict.fromkeys(
        (("waiting",), ("running",), ("later",), ("failed",)), 0
    )
    return none | {(name,): number for name, number in rows}


async def owners(tx: Transaction) -> list[str]:
    """The processes that hold jobs."""
    rows = await tx.connection.execute(sa.select(jobs.c.owner).where(jobs.c.owner.is_not(None)).distinct())
    return [row.owner for row in rows]


async def release(tx: Transaction, owners: Collection[str]) -> None:
    """Let the jobs of processes that have ended become due. They keep their owner, so that it counts as a failure."""
    if owners:
        is_held = jobs.c.owner.in_(owners) & (jobs.c.due_at > tx.now)
        await tx.connection.execute(jobs.update().where(is_held).values(due_at=tx.now))


async def claim(tx: Transaction, kinds: Collection[str], most: int, lease: float, owner: str) -> list[Job]:
    """Hold up to `most` jobs that are due, for `lease` seconds. The jobs that are due for longest come first."""
    due = sa.select(jobs.c.id).where(_is_due(tx, kinds)).order_by(jobs.c.due_at, jobs.c.id).limit(most)
    # A job that still has an owner was held by a process that has ended.
    failures = jobs.c.failures + sa.case((jobs.c.owner.is_not(None), 1), else_=0)
    held = {"attempts": jobs.c.attempts + 1, "failures": failures, "due_at": _end(tx, lease), "owner": owner}
    columns = jobs.c.id, jobs.c.kind, jobs.c.subject, jobs.c.payload, jobs.c.attempts, jobs.c.failures
    rows = await tx.connection.execute(
        jobs.update().where(jobs.c.id.in_(due)).values(held).returning(*columns)
    )
    return [Job(*row) for row in rows]


async def extend(tx: Transaction, held: Collection[Job], lease: float) -> set[tuple[str, int]]:
    """Hold jobs for `lease` seconds from now on. Returns the ids and attempts of those that were still held."""
    of_holders = sa.tuple_(jobs.c.id, jobs.c.attempts).in_([(job.id, job.attempt) for job in held])
    extended = jobs.update().where(of_holders).values(due_at=_end(tx, lease))
    rows = await tx.connection.execute(extended.returning(jobs.c.id, jobs.c.attempts))
    return {(row.id, row.attempts) for row in rows}


async def done(tx: Transaction, job: Job) -> bool:
    """Remove a job. Returns False if somebody else has claimed it meanwhile, and changes nothing then.

    In the transaction that does a job it makes sure that the job is done exactly once: roll back if it returns False.
    """
    return (await tx.connection.execute(jobs.delete().where(_is_held(job)))).rowcount == 1


async def put_back(
    tx: Transaction, job: Job, pause: float | None, *, failures: int, failure: str | None = None
) -> bool:
    """Let a job become due in `pause` seconds; None gives it up. Returns False in the case of `done`."""
    due_at = None if pause is None else _end(tx, pause)
    values = {"due_at": due_at, "failures": failures, "failure": failure, "owner": None}
    return (await tx.connection.execute(jobs.update().where(_is_held(job)).values(values))).rowcount == 1


def _is_held(job: Job) -> sa.ColumnElement[bool]:
    return (jobs.c.id == job.id) & (jobs.c.attempts == job.attempt) & jobs.c.owner.is_not(None)


def _is_due(tx: Transaction, kinds: Collection[str]) -> sa.ColumnElement[bool]:
    # What is due later than any pause lasts was put off before the clock was put back.
    is_time = (jobs.c.due_at <= tx.now) | (jobs.c.due_at > tx.now + _LONGEST)
    return jobs.c.kind.in_(kinds) & is_time


def _end(tx: Transaction, seconds: float) -> int:
    return tx.now + min(int(seconds * 1_000_000), _LONGEST)
