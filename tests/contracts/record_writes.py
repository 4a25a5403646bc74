"""What a record store promises of writing: all or nothing, never the same id twice, shown once acknowledged."""

import asyncio

import pytest

from moorage.crm.metadata.shown import shape
from moorage.crm.query.tree import Phrase, WordStarts
from moorage.crm.storage.contract.records import StoreClosed, Window
from tests.contracts.opened import Suite, awaited


class RecordWrites(Suite):
    def test_ids_have_nineteen_digits_and_rise(self, here, there):
        opened = (here, there, here, there)
        ids = [record for store in opened for record in store.write(lambda t: list(t.new_ids(3)))]
        assert ids == sorted(set(ids))
        assert {len(str(record)) for record in ids} == {19}
        assert {record // 10**12 for record in ids} == {here.organisation.prefix}

    def test_a_job_reads_what_it_wrote(self, here):
        leads = here.module("Leads")

        def job(transaction):
            (record,) = transaction.new_ids(1)
            transaction.insert(leads, [here.row("Leads", record, Last_Name="a")])
            transaction.update(leads, record, here.row("Leads", record, Company="b") | {"id": record})
            row = transaction.row(leads, record)
            assert transaction.existing(leads, [record, 1]) == {record}
            return [row[leads.fields[name].column] for name in ("Last_Name", "Company", "Email")]

        assert here.write(job) == ["a", "b", None]

    def test_what_is_acknowledged_is_shown_everywhere(self, here, there):
        leads = here.module("Leads")
        for n in range(20):
            writer, reader = (here, there) if n % 2 else (there, here)
            (record,) = writer.add("Leads", {"Last_Name": f"a{n}"})
            assert reader.ids("Leads", window=Window(1)) == writer.ids("Leads", window=Window(1)) == [record]
            assert reader.count("Leads", [Phrase(leads.fields["Last_Name"], f"a{n}")]) == 1
            assert reader.record("Leads", record, "Last_Name")["Last_Name"] == f"a{n}"

    def test_two_stores_that_write_at_once_lose_and_repeat_nothing(self, here, there):
        leads = here.module("Leads")

        def job(transaction):
            (record,) = transaction.new_ids(1)
            (number,) = transaction.next_numbers(here.module("Quotes").fields["Quote_Number"], 1)
            transaction.insert(leads, [here.row("Leads", record, No_of_Employees=number)])
            return record, number

        async def together():
            return await asyncio.gather(*((here, there)[n % 2].store.write(job) for n in range(200)))

        done = asyncio.run(together())
        assert sorted(here.ids("Leads")) == sorted(record for record, _ in done)
        assert sorted(number for _, number in done) == list(range(1, 201))

    def test_a_job_that_raises_leaves_nothing(self, here):
        leads, quotes = here.module("Leads"), here.module("Quotes")

        def job(transaction):
            (record,) = transaction.new_ids(1)
            transaction.insert(leads, [here.row("Leads", record, Last_Name="gone")])
            transaction.next_number(quotes.fields["Quote_Number"])
            transaction.recycle(leads, kept, here.user.id)
            raise RuntimeError("no")

        (kept,) = here.add("Leads", {"Last_Name": "kept"})
        with pytest.raises(RuntimeError, match="no"):
            here.write(job)
        assert here.ids("Leads") == [kept]
        assert here.ids("Leads", [WordStarts(("gone",))]) == []
        assert here.deleted("Leads") == ([], False)
        assert here.write(lambda t: t.next_number(quotes.fields["Quote_Number"])) == 1

    def test_a_failing_job_leaves_those_committed_with_it(self, here):
        def good(transaction):
            (record,) = transaction.new_ids(1)
            transaction.insert(here.module("Leads"), [here.row("Leads", record, Last_Name="kept")])
            return record

        def bad(transaction):
            good(transaction)
            raise RuntimeError("no")

        async def together():
            jobs = [here.store.write(bad if n % 3 == 0 else good) for n in range(30)]
            return await asyncio.gather(*jobs, return_exceptions=True)

        outcomes = asyncio.run(together())
        kept = [outcome for outcome in outcomes if isinstance(outcome, int)]
        assert sum(isinstance(outcome, RuntimeError) for outcome in outcomes) == 10
        assert sorted(here.ids("Leads")) == kept == sorted(set(kept))

    def test_a_job_that_raises_leaves_the_search_as_it_was(self, here):
        leads = here.module("Leads")
        changed, dropped = here.add("Leads", {"Last_Name": "kept"}, {"Last_Name": "kept"})

        def job(transaction):
            transaction.update(leads, changed, here.row("Leads", changed, Last_Name="new"))
            transaction.recycle(leads, dropped, here.user.id)
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            here.write(job)
        assert here.ids("Leads", [WordStarts(("kept",))]) == [dropped, changed]
        assert here.ids("Leads", [WordStarts(("new",))]) == []

    def test_a_unique_value_is_held_once(self, here):
        here.add("Leads", {"Email": "a@b.example"}, {"Email": None}, {"Email": None})
        with pytest.raises(Exception, match=r"."):
            here.add("Leads", {"Last_Name": "second", "Email": "A@B.example"})
        assert here.count("Leads") == 3
        assert here.ids("Leads", [WordStarts(("second",))]) == []

    def test_matching_gives_the_oldest_two_regardless_of_case(self, here):
        ids = here.add("Leads", *({"Last_Name": name} for name in ("Smith", "smith", "SMITH", "Smithson")))
        leads = here.module("Leads")
        for value, expected in (("sMITH", ids[:2]), ("smithson", ids[3:]), ("none", [])):
            matches = here.write(lambda t, value=value: t.matching(leads, leads.fields["Last_Name"], value))
            assert matches == expected

    def test_autonumbers_count_from_one_each_on_its_own(self, here, there):
        quotes, cases = here.module("Quotes"), here.module("Cases")
        number, other = quotes.fields["Quote_Number"], cases.fields["Case_Number"]
        assert [store.write(lambda t: t.next_number(number)) for store in (here, there, here)] == [1, 2, 3]
        assert here.write(lambda t: t.next_number(other)) == 1

    def test_records_are_found_by_a_part_of_a_text(self, here):
        leads = here.module("Leads")
        tag = leads.fields["Tag"]

        def containing(part, after=0, most=10):
            return here.write(lambda t: t.containing(leads, tag, part, after, most))

        assert containing('"1"') == {}
        texts = ['[{"id":"1"}]', None, '[{"id":"2"}]', '[{"id":"2"},{"id":"1"}]', '[{"id":"1%"}]']
        ids = here.add("Leads", *({"Last_Name": "n", "Tag": text} for text in texts))
        assert containing('"1"') == {ids[0]: texts[0], ids[3]: texts[3]}
        assert containing('"1"', most=1) == {ids[0]: texts[0]}
        assert containing('"1"', after=ids[0]) == {ids[3]: texts[3]}
        assert list(containing("%")) == [ids[4]]
        assert here.write(lambda t: t.take_old_tags()) == []

    def test_an_update_reaches_the_search(self, here):
        leads = here.module("Leads")
        first, second = here.add("Leads", {"Last_Name": "old"}, {"Last_Name": "old"})
        name = leads.fields["Last_Name"].column
        here.write(lambda t: t.update(leads, first, {name: "new"}))
        here.write(lambda t: t.update(leads, 1, {name: "nobody"}))
        assert here.ids("Leads", [WordStarts(("old",))]) == [second]
        assert here.ids("Leads", [WordStarts(("new",))]) == [first]
        here.write(lambda t: t.update(leads, first, {name: None}))
        assert here.ids("Leads", [WordStarts(("new",))]) == []
        assert here.record("Leads", first, "Last_Name")["Last_Name"] is None

    def test_the_children_of_a_record_are_its_own_oldest_first(self, here):
        items = here.module("Quoted_Items")
        parent = items.fields["Parent_Id"].column
        quote, other = here.add("Quotes", {}, {})
        lines = here.add("Quoted_Items", *({"Parent_Id": parent_id} for parent_id in (quote, other, quote)))

        def children(record):
            return [row["id"] for row in here.write(lambda t: t.children(items, parent, record))]

        assert children(quote) == [lines[0], lines[2]]
        here.write(lambda t: t.drop(items, [lines[0], 1]))
        assert children(quote) == [lines[2]]
        assert here.deleted("Quoted_Items") == ([], False)

    def test_a_record_is_shown_until_it_is_recycled(self, here):
        leads = here.module("Leads")
        (record,) = here.add("Leads", {"Full_Name": "a", "Created_By": here.user.id})
        assert here.write(lambda t: t.recycle(leads, record, here.user.id)) is True
        assert here.write(lambda t: t.recycle(leads, record, here.user.id)) is False
        assert here.record("Leads", record) is None
        assert here.ids("Leads") == here.ids("Leads", [WordStarts(("a*a",))]) == []
        person = {"name": here.user.body["full_name"], "id": str(here.user.id)}
        shown, more = here.deleted("Leads")
        assert more is False
        assert shown == [
            {
                "deleted_by": person,
                "id": str(record),
                "display_name": "a",
                "type": "recycle",
                "created_by": person,
                "deleted_time": "2026-02-06T01:10:56-08:00",
            }
        ]

    def test_the_recycle_bin_is_listed_latest_first_by_module_kind_and_time(self, here):
        ids = here.add("Leads", *({} for _ in range(5)))
        here.add("Deals", {})
        for record in (ids[2], ids[0], ids[4]):
            here.write(lambda t, record=record: t.recycle(here.module("Leads"), record, here.user.id))

        def entries(*window, **which):
            listed, more = here.deleted("Leads", Window(*window) if window else None, **which)
            return [int(entry["id"]) for entry in listed], more

        everything = [ids[4], ids[2], ids[0]]  # All at the same time, and so by id.
        assert entries() == (everything, False)
        assert entries(2) == (everything[:2], True)
        assert entries(2, 2) == (everything[2:], False)
        assert entries(kind="recycle") == (everything, False)
        assert entries(kind="permanent") == ([], False)
        now = here.write(lambda t: t.now)
        assert entries(since=now) == (everything, False)
        assert entries(since=now + 1) == ([], False)
        assert here.deleted("Deals") == ([], False)

    def test_the_rows_of_subforms_leave_with_their_record(self, here):
        (quote,) = here.add("Quotes", {})
        (line,) = here.add("Quoted_Items", {"Parent_Id": quote})
        here.write(lambda t: t.recycle(here.module("Quotes"), quote, here.user.id))
        assert here.record("Quoted_Items", line) is None

    def test_a_closed_store_says_so_and_the_other_goes_on(self, here, there):
        leads = here.module("Leads")
        shown = shape(leads, ["Last_Name"])
        assert here.store.closed is False
        here.store.close()
        assert here.store.closed is True
        for call in (
            lambda: here.store.write(lambda t: t.new_ids(1)),
            lambda: here.store.count(leads, []),
            lambda: here.store.record(leads, shown, 1),
        ):
            with pytest.raises(StoreClosed):
                asyncio.run(_run(call))
        with pytest.raises(StoreClosed):
            here.page("Leads")
        with pytest.raises(StoreClosed):
            here.deleted("Leads")
        assert there.add("Leads", {"Last_Name": "a"})

    def test_closing_waits_for_the_writes_at_hand(self, here, there):
        async def close_at_once():
            waiting = [here.store.write(self._insertion(here)) for _ in range(100)]
            here.store.close()
            return await asyncio.gather(*waiting)

        ids = asyncio.run(close_at_once())
        assert sorted(there.ids("Leads")) == ids

    def test_closing_lets_reads_under_way_come_to_their_end(self, here):
        here.add("Leads", *({"Company": str(n)} for n in range(200)))
        leads = here.module("Leads")

        async def close_at_once():
            waiting = [here.store.count(leads, []) for _ in range(8)]
            await asyncio.sleep(0)
            here.store.close()
            return await asyncio.gather(*waiting, return_exceptions=True)

        for outcome in asyncio.run(close_at_once()):
            assert outcome == 200 or isinstance(outcome, StoreClosed)

    @staticmethod
    def _insertion(here):
        def job(transaction):
            (record,) = transaction.new_ids(1)
            transaction.insert(here.module("Leads"), [here.row("Leads", record, Last_Name="kept")])
            return record

        return job


async def _run(call):
    return await awaited(call())
