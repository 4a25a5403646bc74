"""Jobs as one process sees them: put, claimed for a while, done, tried again, given up."""

import pytest

from moorage.jobs import Work
from moorage.jobs.model import LONGEST_PAUSE
from moorage.jobs.service import LEASE, Jobs
from tests.jobs.conftest import opened

WORK = Work("mail", None, most_failures=3)
TIMED = Work("sweep", None, every=600)


def test_a_job_is_claimed_by_one_and_gone_once_it_is_done(scene):
    async def act(place):
        await place.put("mail", {"to": "ä\u0001", "more": [1, None]})
        [job] = await place.jobs.claim({"mail"}, 5)
        assert (job.kind, job.subject, job.payload) == ("mail", None, {"to": "ä\u0001", "more": [1, None]})
        assert (job.attempt, job.failures) == (1, 0)
        assert await Jobs(place.database).claim({"mail"}, 5) == []
        await place.jobs.done(job, WORK)
        return await place.rows()

    assert scene(act) == []


def test_a_job_is_put_with_the_rest_of_its_transaction_or_not_at_all(scene):
    async def act(place):
        with pytest.raises(RuntimeError):
            await fail(place)
        return await place.rows()

    async def fail(place):
        async with place.database.transaction() as tx:
            assert await place.jobs.put(tx, "mail", {})
            raise RuntimeError

    assert scene(act) == []


def test_the_oldest_of_the_kinds_that_are_asked_for_come_first_and_no_more_than_wanted(scene):
    async def act(place):
        for number in range(5):
            await place.put("mail" if number != 1 else "other", number)
            place.clock.advance(1)
        first = await place.jobs.claim({"mail", "more"}, 3)
        rest = await place.jobs.claim({"mail", "more"}, 3)
        return (
            sorted(job.payload for job in first),
            [job.payload for job in rest],
            await place.jobs.claim({"more"}, 3),
        )

    assert scene(act) == ([0, 2, 3], [4], [])


def test_there_is_one_job_of_a_kind_for_a_subject(scene):
    async def act(place):
        put = [
            await place.put(*job)
            for job in (("mail", 1, "a"), ("mail", 2, "a"), ("other", 3, "a"), ("mail", 4, "b"))
        ]
        [job] = await place.jobs.claim({"mail"}, 1)
        return put, await place.put("mail", 5, job.subject), len(await place.rows())

    assert scene(act) == ([True, False, True, True], False, 3)


def test_a_job_whose_holder_has_ended_is_claimed_again_after_its_lease_and_that_counts_as_a_failure(scene):
    async def act(place):
        await place.put("mail")
        [first] = await place.jobs.claim({"mail"}, 1)
        place.clock.advance(LEASE - 1)
        assert await place.jobs.claim({"mail"}, 1) == []
        place.clock.advance(1)
        [second] = await place.jobs.claim({"mail"}, 1)
        assert (second.id, second.attempt, second.failures) == (first.id, 2, 1)
        # What the first holder says does not count any more.
        assert await place.jobs.extend([first]) == set()
        await place.jobs.done(first, WORK)
        await place.jobs.failed(first, WORK, "late")
        await place.jobs.give_back(first)
        due_at = int((place.clock.timestamp() + LEASE) * 1_000_000)
        assert await place.rows("attempts, due_at, failures") == [(2, due_at, 1)]
        await place.jobs.done(second, WORK)
        return await place.rows()

    assert scene(act) == []


def test_a_job_that_takes_long_is_held_as_long_as_its_lease_is_extended(scene):
    async def act(place):
        for subject in "ab":
            await place.put("mail", None, subject)
        held = await place.jobs.claim({"mail"}, 2)
        for _ in range(5):
            place.clock.advance(LEASE - 1)
            assert await place.jobs.extend(held) == {(job.id, 1) for job in held}
        return await place.jobs.claim({"mail"}, 2)

    assert scene(act) == []


def test_a_job_that_fails_is_tried_again_after_pauses_that_grow_and_is_then_kept_with_the_reason(scene):
    async def act(place):
        await place.put("mail", 1, "a")
        pauses = []
        for failures in range(3):
            while not (claimed := await place.jobs.claim({"mail"}, 1)):
                place.clock.advance(5)
                pauses[-1] += 5
            assert claimed[0].failures == failures
            await place.jobs.failed(claimed[0], WORK, f"full {failures}" + "x" * 1000)
            pauses.append(0)
        place.clock.advance(2 * LONGEST_PAUSE)
        assert await place.jobs.claim({"mail"}, 1) == []
        [(due_at, failures, failure, owner)] = await place.rows("due_at, failures, failure, owner")
        # Who asks for the same again gets another job.
        assert await place.put("mail", 2, "a")
        [job] = await place.jobs.claim({"mail"}, 2)
        return pauses, due_at, failures, failure[:8], len(failure), owner, job.payload

    assert scene(act) == ([5, 10, 0], None, 3, "full 2xx", 500, None, 2)


def test_a_job_that_is_given_back_is_due_at_once_and_has_not_failed(scene):
    async def act(place):
        await place.put("mail")
        for _ in range(20):
            [job] = await place.jobs.claim({"mail"}, 1)
            await place.jobs.give_back(job)
        await place.jobs.give_back(job)
        return job.attempt, job.failures

    assert scene(act) == (20, 0)


def test_timed_work_has_one_job_which_is_due_again_after_each_time_and_never_given_up(scene):
    async def act(place):
        for _ in range(3):
            await place.jobs.put_timed({"sweep"})
        seen = []
        for _ in range(12):
            [job] = await place.jobs.claim({"sweep"}, 5)
            await place.jobs.failed(job, TIMED, "no")
            place.clock.advance(600)
        for _ in range(2):
            [job] = await place.jobs.claim({"sweep"}, 5)
            await place.jobs.done(job, TIMED)
            place.clock.advance(599)
            assert await place.jobs.claim({"sweep"}, 5) == []
            place.clock.advance(1)
            seen.append(job.failures)
        await place.jobs.put_timed({"sweep"})
        return seen, await place.rows("kind, failures, failure")

    assert scene(act) == ([12, 0], [("sweep", 0, None)])


def test_a_clock_that_was_put_back_holds_no_job_up(scene):
    async def act(place):
        place.clock.advance(2 * LONGEST_PAUSE)
        await place.put("mail")
        await place.jobs.put_timed({"sweep"})
        await place.jobs.done((await place.jobs.claim({"sweep"}, 1))[0], TIMED)
        place.clock.advance(-2 * LONGEST_PAUSE)
        return sorted(job.kind for job in await place.jobs.claim({"mail", "sweep"}, 5))

    assert scene(act) == ["mail", "sweep"]


def test_claims_and_what_becomes_of_jobs_make_no_process_forget_what_it_knows(scene, control_url):
    async def act(place):
        await place.put("mail")
        async with opened(control_url) as other:
            before = await other.database.latest_version()
            [job] = await place.jobs.claim({"mail"}, 1)
            await place.jobs.extend([job])
            await place.jobs.failed(job, WORK, "no")
            place.clock.advance(5)
            [job] = await place.jobs.claim({"mail"}, 1)
            await place.jobs.done(job, WORK)
            return await other.database.latest_version() == before, await other.rows()

    assert scene(act) == (True, [])


@pytest.mark.parametrize(("failures", "pause"), [(1, 5), (2, 10), (5, 80), (11, 3600), (10_000, 3600)])
def test_pauses_double_up_to_an_hour(failures, pause):
    assert WORK.pause(failures) == pause
    assert TIMED.pause(failures) == min(pause, 600)
