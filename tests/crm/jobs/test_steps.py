"""A bulk job is done in steps, each exactly once, whoever works on it and whatever ends meanwhile."""

import asyncio

import msgspec
import pytest

from moorage.crm.jobs import store
from moorage.crm.jobs.model import BulkJob, JobFailed, Progress
from moorage.crm.jobs.service import MOST_FAILURES, BulkJobs


class Counting:
    """Adds a lead in each step, up to the number of the request, and notes what it saw."""

    def __init__(self):
        self.seen = []
        self.is_closed = False

    async def step(self, organisation, job):
        self.seen.append((job.state, job.progress))
        await self.before(job)
        module = organisation.catalog.modules["Leads"]
        name, converted = (module.fields[each].column for each in ("Last_Name", "Converted__s"))

        def add(transaction):
            number = (job.progress or 0) + 1
            (record,) = transaction.new_ids(1)
            transaction.insert(module, [{"id": record, name: f"{number}", converted: 0}])
            return Progress(number, is_last=number == job.request)

        return add

    async def before(self, job):
        """What a test lets happen before a step."""

    async def close(self):
        self.is_closed = True


class Place:
    """An organisation with one job, and workers for it."""

    def __init__(self, crm, request):
        self.service = crm.service
        self.organisation = crm.organisation
        self.job = self.waited(self._added(request)).id

    async def _added(self, request):
        organisation = await self.opened()
        return await organisation.store.write(lambda transaction: store.add(transaction, "count", 1, request))

    def job_now(self, transaction):
        return msgspec.convert(transaction.companions.by_id([self.job])[self.job].body, BulkJob)

    async def opened(self):
        return await self.service.wrapped.organisations.open(self.organisation)

    def waited(self, awaitable):
        async def main():
            return await awaitable

        return self.service._run(main())

    def run(self, worker, failures=0):
        self.waited(self.runner(worker).run(self.organisation, self.job, failures))

    def runner(self, worker):
        return BulkJobs(self.service.wrapped.organisations, {"count": lambda: worker})

    def now(self):
        async def found():
            return await store.find(await self.opened(), self.job)

        return self.waited(found())


@pytest.fixture
def place(crm):
    return Place(crm, 4)


def names(crm):
    answer = crm.get("Leads", fields="Last_Name")
    return sorted(record["Last_Name"] for record in answer.data) if answer.status == 200 else []


def test_a_job_runs_to_its_end_through_all_its_states(crm, place):
    worker = Counting()
    assert place.now().state == "added"
    place.run(worker)
    assert worker.seen == [("running", None), ("running", 1), ("running", 2), ("running", 3)]
    assert (place.now().state, place.now().progress) == ("completed", 4)
    assert names(crm) == ["1", "2", "3", "4"]
    assert worker.is_closed
    place.run(Counting())
    assert len(names(crm)) == 4


def test_who_goes_on_begins_behind_the_last_step_that_was_committed(crm, place):
    class Broken(Counting):
        async def before(self, job):
            if job.progress == 2:
                raise ConnectionError("no reply")

    broken = Broken()
    with pytest.raises(ConnectionError):
        place.run(broken)
    assert (names(crm), place.now().state, broken.is_closed) == (["1", "2"], "running", True)
    place.run(Counting(), failures=1)
    assert names(crm) == ["1", "2", "3", "4"]


def test_two_who_work_on_one_job_do_each_step_once(crm, place):
    met = asyncio.Barrier(2)

    class Meeting(Counting):
        """Both look at the same step before one of them does it."""

        async def before(self, job):
            if job.progress is None:
                await met.wait()

    async def both():
        organisation = await place.opened()
        await organisation.store.write(
            lambda transaction: store.store(transaction, place.job_now(transaction), state="running")
        )
        runs = (place.runner(Meeting()).run(place.organisation, place.job) for _ in range(2))
        await asyncio.wait_for(asyncio.gather(*runs), 30)

    place.waited(both())
    assert names(crm) == ["1", "2", "3", "4"]
    assert place.now().state == "completed"


def test_a_job_that_can_not_be_done_says_so(crm, place):
    class Impossible(Counting):
        async def before(self, job):
            raise JobFailed({"reason": "no such field"})

    place.run(Impossible())
    assert (place.now().state, place.now().progress) == ("failed", {"reason": "no such field"})


def test_a_job_is_given_up_after_failures_without_a_step_between(crm, place):
    class Once(Counting):
        async def before(self, job):
            if job.progress == 1:
                raise ConnectionError("no reply")

    with pytest.raises(ConnectionError):
        place.run(Once(), failures=MOST_FAILURES)
    with pytest.raises(ConnectionError):
        place.run(Once(), failures=2 * MOST_FAILURES)
    place.run(Once(), failures=2 * MOST_FAILURES + 1)
    assert (place.now().state, names(crm)) == ("failed", ["1"])


@pytest.mark.parametrize("change", ["reset", "delete"])
def test_a_job_ends_with_its_organisation(crm, place, change):
    class Ending(Counting):
        async def before(self, job):
            if job.progress == 2:
                await getattr(place.service.wrapped.organisations, change)("acme")

    place.run(Ending())
    if change == "reset":
        assert place.now() is None
        assert names(crm) == []
