"""What a record store promises of reads of one moment."""

import asyncio
import json

import pytest

from moorage.crm.metadata.shown import shape
from moorage.crm.storage.contract.files import NewFile
from moorage.crm.storage.contract.lines import Column
from moorage.crm.storage.contract.records import Order, StoreClosed, Window
from tests.contracts.metadata_changes import PLAIN, add
from tests.contracts.opened import Suite, awaited
from tests.contracts.record_files import ONE, finish


def inserting(opened, *names):
    def job(transaction):
        ids = list(transaction.new_ids(len(names)))
        rows = [opened.row("Leads", i, Last_Name=name) for i, name in zip(ids, names, strict=True)]
        transaction.insert(opened.module("Leads"), rows)
        return ids

    return opened.store.write(job)


async def names(opened, store):
    module = opened.module("Leads")
    order = Order(module.fields["id"], descending=False)
    page = await awaited(store.page(module, shape(module, ("Last_Name",)), (), order, Window(200)))
    return [record["Last_Name"] for record in json.loads(page.data)]


class RecordMoment(Suite):
    def test_a_moment_stays_while_others_write(self, here, there):
        here.add("Leads", {"Last_Name": "Ada"})
        leads = here.module("Leads")
        columns = [Column(leads.fields["Last_Name"])]

        async def work():
            async with here.store.moment() as then:
                first = await names(here, then)
                await inserting(here, "Bo")
                await inserting(there, "Cy")
                lines = await then.lines(leads, columns, (), 0, 10)
                return first, await names(here, then), lines.data, await names(here, here.store)

        assert asyncio.run(work()) == (["Ada"], ["Ada"], b'"Ada"\r\n', ["Ada", "Bo", "Cy"])

    def test_files_of_a_moment_are_read_although_they_are_removed(self, here, clock):
        def keep(transaction):
            content = transaction.files.begin_content()
            transaction.files.add_parts(content, ONE)
            transaction.files.add([NewFile("nobody's.txt", 1, link="https://docs.example/a")])
            return finish(transaction, content, owner=7)

        def remove(transaction):
            transaction.files.remove_all_of([7])

        here.add("Leads", {"Last_Name": "Ada"})
        file = here.write(keep)

        async def work():
            async with here.store.moment() as then:
                await names(here, then)
                await here.store.write(remove)
                clock.advance(3600)
                while await here.store.write(lambda transaction: transaction.files.sweep(100)):
                    pass
                files = await then.files.owned_after(0, 10)
                parts = [bytes(part) async for part in then.files.parts(file.content)]
                return files, await then.files.owned_after(file.id, 10), parts

        assert asyncio.run(work()) == ([file], [], ONE)

    def test_a_store_with_older_metadata_has_no_moment(self, here, there):
        there.change(add(PLAIN))

        async def work():
            async with here.store.moment():
                pass

        with pytest.raises(StoreClosed):
            asyncio.run(work())
