"""What every record store promises: subclass it and give the fixture `organisation`, open and empty."""

import asyncio

import pytest

from moorage.crm.store.contract import Deleted, FlagIs, Ids, ModifiedSince, Order, Window


class RecordStoreContract:
    @pytest.fixture
    def leads(self, organisation):
        return organisation.catalog.modules["Leads"]

    @pytest.fixture
    def write(self, organisation):
        return lambda job: asyncio.run(self._awaited(lambda: organisation.store.write(job)))

    async def _awaited(self, call):
        return await call()

    @pytest.fixture
    def page(self, organisation, leads):
        def page(filters=(), window=None, *, descending=True, by="id", names=("Last_Name",)):
            async def run():
                store = organisation.store
                order = Order(leads.fields[by], descending)
                found = store.page(leads, store.shape(leads, names), filters, order, window or Window(200))
                return await found if hasattr(found, "__await__") else found

            return asyncio.run(run())

        return page

    def row(self, leads, record, name, **values):
        columns = {"Last_Name": name, "Created_Time": 1_000, "Modified_Time": 1_000, **values}
        return {"id": record, **{leads.fields[key].column: value for key, value in columns.items()}}

    @pytest.fixture
    def add(self, write, leads):
        def add(*names, **values):
            def job(transaction):
                ids = list(transaction.new_ids(len(names)))
                transaction.insert(
                    leads, [self.row(leads, i, n, **values) for i, n in zip(ids, names, strict=True)]
                )
                return ids

            return write(job)

        return add

    def test_ids_are_never_given_twice(self, write):
        first = write(lambda transaction: list(transaction.new_ids(3)))
        second = write(lambda transaction: list(transaction.new_ids(3)))
        assert first + second == sorted({*first, *second})

    def test_a_job_that_raises_leaves_nothing(self, write, page, leads):
        def job(transaction):
            transaction.insert(leads, [self.row(leads, transaction.new_ids(1)[0], "gone")])
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            write(job)
        assert page().count == 0

    def test_a_failing_job_leaves_those_committed_with_it(self, organisation, leads, page):
        def good(transaction):
            transaction.insert(leads, [self.row(leads, transaction.new_ids(1)[0], "kept")])

        def bad(transaction):
            good(transaction)
            raise RuntimeError("no")

        async def together():
            jobs = [organisation.store.write(bad if n % 3 == 0 else good) for n in range(30)]
            return await asyncio.gather(*jobs, return_exceptions=True)

        outcomes = asyncio.run(together())
        assert sum(isinstance(one, RuntimeError) for one in outcomes) == 10
        assert page().count == 20

    def test_a_page_says_if_others_follow(self, add, page):
        ids = add("a", "b", "c")
        first = page(window=Window(2))
        assert (first.count, first.more, first.first.id, first.last.id) == (2, True, ids[2], ids[1])
        rest = page(window=Window(2, start=first.last))
        assert (rest.count, rest.more) == (1, False)
        assert page(window=Window(3)).more is False

    def test_a_window_reaches_backwards(self, add, page):
        add("a", "b", "c", "d")
        third = page(window=Window(1, offset=2))
        before = page(window=Window(2, start=third.first, backwards=True))
        assert before.data == page(window=Window(2)).data

    def test_equal_keys_are_ordered_by_id(self, add, page):
        ids = add("a", "b", "c")
        seen, window = [], Window(1)
        while (found := page(window=window, by="Modified_Time")).count:
            seen.append(found.first.id)
            window = Window(1, start=found.last)
        assert seen == ids[::-1]

    def test_filters_narrow(self, add, page, leads):
        early = add("a", Modified_Time=10, Converted__s=0)
        late = add("b", Modified_Time=20, Converted__s=1)
        assert page([Ids((early[0],))]).first.id == early[0]
        assert page([ModifiedSince(20)]).first.id == late[0]
        assert page([FlagIs(leads.fields["Converted__s"], value=False)]).first.id == early[0]
        assert page([Ids((late[0],)), ModifiedSince(21)]).count == 0

    def test_a_record_is_shown_until_it_is_recycled(self, organisation, add, write, leads):
        (record,) = add("a")
        shape = organisation.store.shape(leads, ["Last_Name"], whole=True)
        assert organisation.store.record(leads, shape, record) == b'{"id":"%d","Last_Name":"a"}' % record
        assert write(lambda transaction: transaction.recycle(leads, record, 1)) is True
        assert write(lambda transaction: transaction.recycle(leads, record, 1)) is False
        assert organisation.store.record(leads, shape, record) is None
        assert organisation.store.deleted(leads, Deleted(None, None), Window(10)).count == 1

    def test_counting(self, organisation, add, leads):
        add("a", "b")

        async def count():
            return await organisation.store.count(leads, [])

        assert asyncio.run(count()) == 2

    def test_matching_ignores_case(self, add, write, leads):
        (record,) = add("Smith")
        field = leads.fields["Last_Name"]
        assert write(lambda transaction: transaction.matching(leads, field, "SMITH")) == [record]

    def test_autonumbers_count_from_one(self, organisation, write):
        field = organisation.catalog.modules["Quotes"].fields["Quote_Number"]
        assert [write(lambda t: t.next_number(field)) for _ in range(3)] == [1, 2, 3]

    def test_a_tag_is_made_once(self, write, leads):
        assert write(lambda t: t.tag(leads, "hot")) == write(lambda t: t.tag(leads, "HOT"))
