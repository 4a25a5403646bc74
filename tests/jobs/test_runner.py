"""Jobs that run in a process: so many at a time, held as long as they take, given back at its end."""

import asyncio
import inspect
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from moorage.jobs import PutOff, Work, runner
from moorage.jobs.runner import Runner
from moorage.storage.errors import DatabaseUnusable
from tests.log_lines import capture_logs


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.01)


@asynccontextmanager
async def running(place, *works, most=4):
    runs = Runner(place.jobs, works, most=most)
    [loop] = runs.background()
    task = asyncio.ensure_future(loop.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition):
    """Wait until a condition holds, which may be awaited."""
    async with asyncio.timeout(60):
        while True:
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            await asyncio.sleep(0.01)


def rows_are(place, columns, *rows):
    async def condition():
        return await place.rows(columns) == list(rows)

    return condition


def test_jobs_run_by_their_kind_no_more_at_a_time_than_there_is_room_for(scene):
    now, most, seen = [], [], []

    async def note(job):
        now.append(job)
        most.append(len(now))
        await asyncio.sleep(0.02)
        seen.append((job.kind, job.payload))
        now.remove(job)

    async def act(place):
        for number in range(12):
            await place.put("even" if number % 2 == 0 else "odd", number)
        await place.put("unknown", 99)
        async with running(place, Work("even", note), Work("odd", note), most=4):
            await until(lambda: len(seen) == 12)
        return await place.rows()

    assert scene(act) == [("unknown",)]
    assert sorted(seen, key=lambda job: job[1]) == [("odd" if n % 2 else "even", n) for n in range(12)]
    assert max(most) == 4


def test_a_job_that_fails_is_logged_with_its_reason_and_runs_again(scene):
    attempts = []

    async def fail_once(job):
        attempts.append(job.failures)
        if len(attempts) == 1:
            raise ValueError("the disk is full")

    async def act(place):
        await place.put("mail")
        async with running(place, Work("mail", fail_once)):
            await until(lambda: attempts)
            await until(rows_are(place, "failure", ("ValueError: the disk is full",)))
            place.clock.advance(5)
            await until(rows_are(place, "kind"))

    with capture_logs() as logs:
        scene(act)
    assert attempts == [0, 1]
    [line] = [line for line in logs if line["event"] == "jobs.failed"]
    assert (line["kind"], line["failures"], line["reason"]) == ("mail", 1, "ValueError: the disk is full")


def test_a_job_whose_processes_end_each_time_is_given_up_without_another_run(scene):
    runs = []

    async def act(place):
        await place.put("mail")
        for _ in range(4):
            assert len(await place.jobs.claim({"mail"}, 1)) == 1
            place.clock.advance(60)
        async with running(place, Work("mail", runs.append, most_failures=4)):
            await until(
                rows_are(place, "due_at, failures, failure", (None, 4, "The process that ran it has ended."))
            )

    with capture_logs() as logs:
        scene(act)
    assert runs == []
    assert [(line["event"], line["log_level"], line["failures"]) for line in logs] == [
        ("jobs.given_up", "error", 4)
    ]


def test_a_job_that_takes_long_is_held_and_one_that_was_lost_is_broken_off(scene):
    ended = []

    async def take_long(job):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(job.attempt)

    async def act(place):
        await place.put("mail")
        async with running(place, Work("mail", take_long)):
            await until(rows_are(place, "attempts", (1,)))
            place.jobs.lease = 0.03  # It is extended after a third of this time.
            for _ in range(3):
                place.clock.advance(0.02)
                due_at = int((place.clock.timestamp() + place.jobs.lease) * 1_000_000)
                await until(rows_are(place, "due_at", (due_at,)))
            assert not ended
            # Another process claims it, as if this one had been asleep for long.
            async with place.database.transaction() as tx:
                await tx.connection.exec_driver_sql("UPDATE jobs SET attempts = attempts + 1")
            await until(lambda: ended)
        return await place.rows("attempts")

    with capture_logs() as logs:
        assert scene(act) == [(2,)]
    assert [line["event"] for line in logs] == ["jobs.lost"]


def test_at_the_end_jobs_may_finish_and_what_takes_longer_is_given_back(scene, monkeypatch):
    monkeypatch.setattr(runner, "STOP_SECONDS", 0.5)
    begun, ended = [], []

    async def work(job):
        begun.append(job)
        await asyncio.sleep(0.1 if job.payload == "short" else 600)
        ended.append(job.payload)

    async def act(place):
        await place.put("mail", "short")
        await place.put("mail", "long")
        async with running(place, Work("mail", work)):
            await until(lambda: len(begun) == 2)
        return await place.jobs.claim({"mail"}, 5)

    [job] = scene(act)
    assert (ended, job.payload, job.attempt, job.failures) == (["short"], "long", 2, 0)


def test_what_was_claimed_while_the_process_stops_is_not_left_until_its_lease_ends(scene, monkeypatch):
    monkeypatch.setattr(runner, "STOP_SECONDS", 0.2)

    async def act(place):
        await place.put("mail")
        claim, claiming = place.jobs.claim, asyncio.Event()

        async def slow(kinds, most):
            claimed = await claim(kinds, most)
            claiming.set()
            await asyncio.sleep(0.05)
            return claimed

        monkeypatch.setattr(place.jobs, "claim", slow)
        async with running(place, Work("mail", lambda _: asyncio.sleep(600))):
            await claiming.wait()
        monkeypatch.undo()
        [job] = await place.jobs.claim({"mail"}, 1)
        return job.failures

    assert scene(act) == 0


def test_a_database_that_is_away_stops_nothing_and_how_a_job_ended_is_written_later(scene, monkeypatch):
    is_away, runs = [True], []

    async def act(place):
        await place.put("mail")
        transaction, tried = place.database.transaction, []

        def perhaps(**options):
            if is_away:
                tried.append(options)
                raise DatabaseUnusable("It is away.")
            return transaction(**options)

        monkeypatch.setattr(place.database, "transaction", perhaps)

        async def work(_):
            runs.append(1)
            is_away.append(True)

        async with running(place, Work("mail", work), Work("sweep", work, every=600)) as task:
            await until(lambda: len(tried) > 3)
            assert not runs
            is_away.clear()
            await until(lambda: runs)
            tried.clear()
            await until(lambda: len(tried) > 3)
            is_away.clear()
            sweep_is_done = rows_are(place, "kind, failures, owner", ("sweep", 0, None))
            await until(lambda: is_away.clear() or sweep_is_done())
            assert not task.done()
        return len(runs)

    assert scene(act) == 2


def test_a_cancellation_that_comes_from_the_work_itself_is_a_failure(scene):
    async def work(_):
        raise asyncio.CancelledError

    async def act(place):
        await place.put("mail")
        async with running(place, Work("mail", work)):
            await until(rows_are(place, "failures, owner", (1, None)))

    scene(act)


def test_who_has_nothing_to_do_reads_once_for_each_look_and_writes_nothing(scene, monkeypatch):
    async def act(place):
        await place.jobs.put_timed({"sweep"})
        await place.jobs.done((await place.jobs.claim({"sweep"}, 1))[0], Work("sweep", None, every=600))
        reads, reading = [], place.database.reading

        def counted():
            reads.append(1)
            return reading()

        monkeypatch.setattr(place.database, "reading", counted)
        monkeypatch.setattr(place.database, "transaction", None)  # Who wrote would fail.
        monkeypatch.setattr(runner, "LOOK_SECONDS", 0.1)
        began = monotonic()
        async with running(place, Work("sweep", None, every=600)):
            await until(lambda: len(reads) >= 10)
        return len(reads), monotonic() - began

    reads, seconds = scene(act)
    # The first read looks for timed work, and the next one comes at once.
    assert reads <= 2 + seconds / 0.1


def test_work_that_is_put_off_runs_again_when_its_time_has_come_and_not_before(scene):
    seen = []

    async def wait(job):
        seen.append((job.attempt, job.failures))
        if len(seen) == 1:
            raise PutOff(3600)

    async def act(place):
        await place.put("wait", 1)
        async with running(place, Work("wait", wait)):
            await until(rows_are(place, "attempts, failures, owner", (1, 0, None)))
            before = list(seen)
            place.clock.advance(3600)
            await until(rows_are(place, "kind"))
        return before

    assert scene(act) == [(1, 0)]
    assert seen == [(1, 0), (2, 0)]
