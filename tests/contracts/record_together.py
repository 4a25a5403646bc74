"""What a record store promises of calls that are made together, in one transaction."""

import asyncio
import json
from functools import partial

import pytest

from moorage.crm.metadata.shown import shape
from moorage.crm.query.tree import WordStarts
from moorage.crm.storage.contract.records import ChangesMetadata, Order, TookTooLong, Window
from tests.contracts.opened import Opened, Suite, awaited

SECONDS = 20


class Broken(Exception):
    """What work raises in these tests."""


class Within:
    """The calls of a store that work is given, each of them awaited."""

    def __init__(self, opened, store) -> None:
        self._opened, self._store = opened, store

    def add(self, *names, module="Leads", field="Last_Name"):
        def job(transaction):
            ids = list(transaction.new_ids(len(names)))
            rows = [self._opened.row(module, i, **{field: name}) for i, name in zip(ids, names, strict=True)]
            transaction.insert(self._opened.module(module), rows)
            transaction.emit("added", names)
            return ids

        return self._store.write(job)

    async def names(self, *filters, module="Leads", field="Last_Name"):
        module = self._opened.module(module)
        order = Order(module.fields["id"], descending=False)
        shown = shape(module, (field,))
        page = await awaited(self._store.page(module, shown, filters, order, Window(200)))
        return [record[field] for record in json.loads(page.data)]

    async def record(self, record):
        module = self._opened.module("Leads")
        return await awaited(self._store.record(module, shape(module, ("Last_Name",)), record))

    def count(self):
        return awaited(self._store.count(self._opened.module("Leads"), ()))


def together(opened, work, seconds=SECONDS):
    async def run():
        return await opened.store.together(lambda store: work(Within(opened, store), store), seconds)

    return asyncio.run(run())


def events(opened):
    return opened.write(lambda transaction: [e.kind for e in transaction.outbox.claim("added", 10, 0).events])


class RecordTogether(Suite):
    def test_reads_see_what_was_written_and_others_see_it_at_the_end(self, here, there):
        here.add("Leads", {"Last_Name": "Ash"})

        async def work(within, _):
            [birch] = await within.add("Birch")
            assert await within.record(birch) is not None
            assert await within.names() == ["Ash", "Birch"]
            assert await within.names(WordStarts(("birch",))) == ["Birch"]
            assert await within.count() == 2
            await within.add("Deal", module="Deals", field="Deal_Name")
            assert await within.names(module="Deals", field="Deal_Name") == ["Deal"]
            [cedar] = await within.add("Cedar")
            assert await within.names(WordStarts(("cedar",))) == ["Cedar"]
            return birch, cedar

        ids = together(here, work)
        there = there if not there.is_closed() else None
        for opened in filter(None, (here, there)):
            assert set(ids) < set(opened.ids("Leads"))
            assert opened.count("Leads", [WordStarts(("cedar",))]) == 1
        assert events(here) == ["added"] * 3

    def test_if_the_work_fails_nothing_of_it_has_happened(self, here):
        [ash] = here.add("Leads", {"Last_Name": "Ash"})

        async def work(within, _):
            await within.add("Birch")
            await within.add("Deal", module="Deals", field="Deal_Name")
            assert await within.names(WordStarts(("birch",))) == ["Birch"]
            raise Broken

        with pytest.raises(Broken):
            together(here, work)
        assert here.ids("Leads") == [ash]
        assert here.count("Leads", [WordStarts(("birch",))]) == 0
        assert here.count("Deals") == 0
        assert events(here) == []
        assert here.add("Leads", {"Last_Name": "Birch"}) > [ash]

    def test_a_job_that_fails_is_undone_alone(self, here):
        async def work(within, store):
            await within.add("Ash")

            def bad(transaction):
                [record] = transaction.new_ids(1)
                transaction.insert(here.module("Leads"), [here.row("Leads", record, Last_Name="Birch")])
                transaction.existing(here.module("Leads"), [record])
                raise Broken

            with pytest.raises(Broken):
                await store.write(bad)
            assert await within.names() == ["Ash"]
            await within.add("Cedar")

        together(here, work)
        assert here.count("Leads") == 2
        assert here.count("Leads", [WordStarts(("birch",))]) == 0

    def test_other_writers_wait_and_lose_nothing(self, here):
        async def run():
            begun, go_on = asyncio.Event(), asyncio.Event()

            async def work(store):
                within = Within(here, store)
                await within.add("first")
                begun.set()
                await go_on.wait()
                return await within.names()

            async def other():
                await begun.wait()
                waiting = asyncio.ensure_future(here.store.write(partial(_add, here, "second")))
                await asyncio.sleep(0)
                go_on.set()
                return await waiting

            return await asyncio.gather(here.store.together(work, SECONDS), other())

        assert asyncio.run(run())[0] == ["first"]
        assert here.count("Leads") == 2

    def test_work_that_takes_too_long_is_undone(self, here):
        others = []

        async def work(within):
            await within.add("Ash")
            others.append(asyncio.ensure_future(Within(here, here.store).add("Cedar")))
            await asyncio.wait(others, timeout=0.3)  # The time is over by then.
            await within.add("Birch")

        async def run():
            with pytest.raises(TookTooLong):
                await here.store.together(lambda store: work(Within(here, store)), 0.05)
            await others[0]

        asyncio.run(run())
        assert here.count("Leads") == 1

    def test_metadata_are_not_changed_within(self, here):
        async def work(_, store):
            await store.change_metadata(lambda change: change.new_ids(1))

        with pytest.raises(ChangesMetadata):
            together(here, work)


def _add(opened: Opened, name, transaction):
    [record] = transaction.new_ids(1)
    transaction.insert(opened.module("Leads"), [opened.row("Leads", record, Last_Name=name)])
