"""What a record store promises of its metadata: they change in one step, and nobody goes on by older ones."""

import asyncio

import pytest
from msgspec import structs

from moorage.crm.api.settings.row_modules import RowModules
from moorage.crm.metadata.custom.belongings import belongings
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.definitions import FieldDefinition
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.field_documents import field_document
from moorage.crm.query.tree import Empty, Equal, Phrase, WordStarts
from moorage.crm.storage.contract.metadata import ValuesRepeat
from moorage.crm.storage.contract.records import StoreClosed
from tests.contracts.opened import Suite

PLAIN = FieldDefinition(
    api_name="Berth",
    field_label="Berth",
    display_label="Berth",
    data_type="text",
    json_type="string",
    length=255,
)


class References:
    def __init__(self, change) -> None:
        self._change = change

    def new_id(self):
        return str(self._change.new_ids(1)[0])

    def module(self, api_name):
        module = next(d for d in self._change.metadata.all("module") if d.name == api_name)
        return {"api_name": api_name, "id": str(module.id)}


def add(*definitions, module="Leads", **more):
    """A job that gives a module fields; their documents have what `more` says."""

    def job(change):
        ids = References(change)
        owner = int(ids.module(module)["id"])
        for definition in definitions:
            body = field_document(definition, ids.new_id(), ids, {}) | more
            change.put(Document(int(body["id"]), "field", owner, definition.api_name, body))
        return [document.id for document in change.metadata.all("field", owner)]

    return job


def named(name, **more):
    return structs.replace(PLAIN, api_name=name, field_label=name, display_label=name, **more)


def link(module, name, connected):
    """A job that gives a module a field of links to the records of another one."""

    def job(change):
        owner = next(document for document in change.metadata.all("module") if document.name == module)
        definition = named(name, data_type="multiselectlookup", json_type="jsonarray")
        spec = JsonObject({"multiselectlookup": {"module": {"api_name": connected}}}, "$")
        ids = References(change)
        definition = RowModules(change, ids, owner, lambda _: connected).add(spec, definition)
        body = field_document(definition, ids.new_id(), ids, {})
        change.put(Document(int(body["id"]), "field", owner.id, name, body))

    return job


class MetadataChanges(Suite):
    """`reopen` gives the organisation as it is now, in the place of one whose store is closed."""

    @pytest.fixture
    def change(self, here):
        return here.change

    def test_a_field_is_there_for_whoever_opens_it_then_and_older_stores_are_closed(
        self, here, there, change, reopen
    ):
        (old,) = here.add("Leads", {"Last_Name": "old"})
        change(add(PLAIN))
        for opened in (here, there):
            assert opened.is_closed()
            with pytest.raises(StoreClosed):
                opened.write(lambda transaction: transaction.new_ids(1))
        again = reopen()
        (new,) = again.add("Leads", {"Last_Name": "new", "Berth": "North quay"})
        field = again.module("Leads").fields["Berth"]
        assert [again.record("Leads", record, "Berth")["Berth"] for record in (old, new)] == [
            None,
            "North quay",
        ]
        assert again.ids("Leads", [Equal(field, "north QUAY")]) == [new]
        assert again.ids("Leads", [Empty(field)]) == [old]
        assert again.ids("Leads", by="Berth", descending=False) == [old, new]

    def test_what_stands_in_a_field_that_came_later_is_found_by_its_words(self, change, reopen):
        names = [f"Berth_{number}" for number in range(40)]
        change(add(*map(named, names)))
        here = reopen()
        ids = here.add(
            "Leads", *({"Last_Name": "Quay", name: f"word{n} north"} for n, name in enumerate(names))
        )
        for number in (0, 31, 32, 39):
            field = here.module("Leads").fields[names[number]]
            assert here.ids("Leads", [WordStarts((f"word{number}", "nor"))]) == [
                record for n, record in reversed(list(enumerate(ids))) if str(n).startswith(str(number))
            ]
            assert here.ids("Leads", [Phrase(field, "north")]) == [ids[number]]
        # Words that are spread over a field of the beginning and a later one.
        assert here.ids("Leads", [WordStarts(("qua", "word39"))]) == [ids[39]]
        assert len(here.ids("Leads", [WordStarts(("north",))], by="Created_Time")) == 40

        def change_words(transaction):
            leads = here.module("Leads")
            transaction.update(leads, ids[0], here.row("Leads", ids[0], Berth_0="south") | {"id": ids[0]})
            transaction.update(leads, ids[1], here.row("Leads", ids[1], Berth_1=None) | {"id": ids[1]})
            transaction.recycle(leads, ids[2], 1)

        here.write(change_words)
        assert here.ids("Leads", [WordStarts(("south",))]) == [ids[0]]
        assert here.ids("Leads", [WordStarts(("north",))]) == ids[:2:-1]

    def test_a_field_that_is_removed_is_found_no_more_and_its_place_is_nobodys(self, change, reopen):
        change(add(named("Gone"), named("Stays")))
        here = reopen()
        (record,) = here.add("Leads", {"Last_Name": "a", "Gone": "apple", "Stays": "pear"})
        gone = here.module("Leads").fields["Gone"].id
        here.change(lambda change: change.remove([gone]))
        reopen().change(add(named("Gone")))
        again = reopen()
        assert again.ids("Leads", [WordStarts(("apple",))]) == []
        assert again.ids("Leads", [WordStarts(("pear",))]) == [record]
        shown = again.record("Leads", record, "Gone", "Stays")
        assert (shown["Gone"], shown["Stays"]) == (None, "pear")

    def test_a_box_to_tick_is_not_ticked_in_records_that_were_there(self, here, change, reopen):
        (record,) = here.add("Leads", {"Last_Name": "a"})
        change(add(named("Moored", data_type="boolean", json_type="boolean")))
        assert reopen().record("Leads", record, "Moored")["Moored"] is False

    def test_every_record_of_a_module_is_changed_when_the_new_fields_have_their_columns(
        self, here, change, reopen
    ):
        ids = here.add("Leads", *({"Last_Name": f"lead {number}"} for number in range(5)))
        here.add("Contacts", {"Last_Name": "other"})
        name = here.module("Leads").fields["Last_Name"].column
        asked = []

        def fill(change):
            field = max(add(PLAIN)(change))
            column = f"c{field % 10**12}"

            def changes(row):
                asked.append(row)
                return {} if row[name].endswith("3") else {column: row[name].upper() + " quay"}

            change.rewrite(here.module("Leads").id, {name, column}, changes)
            return column

        column = change(fill)
        assert sorted(row[name] for row in asked) == [f"lead {number}" for number in range(5)]
        assert all(row.keys() == {name, column} and row[column] is None for row in asked)
        again = reopen()
        berths = [again.record("Leads", record, "Berth")["Berth"] for record in ids]
        assert berths == ["LEAD 0 quay", "LEAD 1 quay", "LEAD 2 quay", None, "LEAD 4 quay"]
        assert again.ids("Leads", [WordStarts(("quay",))], descending=False) == [*ids[:3], ids[4]]
        assert again.ids("Leads", [WordStarts(("lead",))], descending=False) == ids

        again.change(
            lambda change: change.rewrite(
                again.module("Leads").id, [column], lambda row: row and {column: None}
            )
        )
        assert reopen().ids("Leads", [WordStarts(("quay",))]) == []

    def test_a_change_of_records_that_fails_undoes_the_whole_change(self, here, change, reopen):
        here.add("Leads", {"Last_Name": "a"})

        def fail(change):
            add(PLAIN)(change)
            change.rewrite(here.module("Leads").id, [], lambda row: row["nothing"])

        with pytest.raises(KeyError):
            change(fail)
        assert "Berth" not in reopen().module("Leads").fields

    def test_a_module_that_came_later_holds_the_links_of_two_records(self, change, reopen):
        change(link("Leads", "Boats", "Products"))
        here = reopen()
        leads, boats = here.module("Leads"), here.module("Leads_X_Products")
        assert here.organisation.catalog.rows_of(leads.fields["Boats"]) is boats
        lead, other = here.add("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})
        buoy, rope = here.add("Products", {"Product_Name": "Buoy"}, {"Product_Name": "Rope"})
        pairs = ((lead, rope), (lead, buoy), (other, rope))
        ids = here.add("Leads_X_Products", *({"Leads": one, "Boats": boat} for one, boat in pairs))
        shown = here.record("Leads", lead)["Boats"]
        assert [(int(row["id"]), row["Boats"]["name"]) for row in shown] == [
            (ids[0], "Rope"),
            (ids[1], "Buoy"),
        ]
        assert here.ids("Leads_X_Products", [Equal(boats.fields["Boats"], rope)]) == [ids[2], ids[0]]
        here.write(lambda transaction: transaction.recycle(here.module("Products"), rope, here.user.id))
        assert here.ids("Leads_X_Products") == [ids[1]]
        here.write(lambda transaction: transaction.recycle(leads, lead, here.user.id))
        assert here.ids("Leads_X_Products") == []
        assert here.record("Leads", other)["Boats"] == []

    def test_a_module_that_is_removed_is_nobodys_when_its_name_comes_back(self, change, reopen):
        change(link("Leads", "Boats", "Products"))
        here = reopen()
        (lead,) = here.add("Leads", {"Last_Name": "a"})
        here.add("Leads_X_Products", {"Leads": lead})
        field = here.module("Leads").fields["Boats"].id

        def replace_it(change):
            document = change.metadata.find("field", field)
            change.remove([field, *belongings(change.metadata, document)])
            link("Leads", "Boats", "Vendors")(change)

        here.change(replace_it)
        again = reopen()
        assert "Leads_X_Products" not in again.organisation.catalog.modules
        assert again.record("Leads", lead)["Boats"] == []
        again.change(link("Deals", "Goods", "Products"))
        (deal,) = reopen().add("Deals", {"Deal_Name": "a"})
        assert reopen().record("Deals", deal)["Goods"] == []

    def test_no_value_repeats_where_a_field_becomes_unique(self, here, change, reopen):
        change(add(PLAIN))
        opened = reopen()
        opened.add("Leads", {"Last_Name": "a", "Berth": "One"}, {"Last_Name": "b", "Berth": "one"})
        document = opened.organisation.metadata.find("field", opened.module("Leads").fields["Berth"].id)
        unique = document.with_body(document.body | {"unique": {"case_sensitive": False}})

        def become_unique(change):
            assert change.repeats(opened.module("Leads").id, opened.module("Leads").fields["Berth"].id)
            change.put(unique)

        with pytest.raises(ValuesRepeat):
            opened.change(become_unique)
        assert not opened.store.closed  # Nothing was changed.
        first, _ = opened.ids("Leads", descending=False)
        other = opened.row("Leads", first, Berth="Two")
        opened.write(lambda transaction: transaction.update(opened.module("Leads"), first, other))
        opened.change(lambda change: change.put(unique))
        again = reopen()
        with pytest.raises(Exception, match=r"(?i)unique|already"):
            again.add("Leads", {"Last_Name": "c", "Berth": "TWO"})
        assert len(again.ids("Leads")) == 2

    def test_what_a_job_raises_undoes_all_of_it(self, here, change, reopen):
        before = here.organisation.metadata.all("field", here.module("Leads").id)

        def fail(change):
            add(PLAIN)(change)
            raise KeyError

        with pytest.raises(KeyError):
            change(fail)
        assert not here.store.closed
        assert reopen().organisation.metadata.all("field", here.module("Leads").id) == before

    def test_a_job_that_changes_nothing_closes_nothing(self, here, there, change):
        assert change(lambda change: change.metadata.org["company_name"])
        assert not here.is_closed() and not there.is_closed()

    def test_a_user_is_shown_by_the_name_that_they_have_now(self, here, change, reopen):
        user = here.user
        (record,) = here.add("Leads", {"Last_Name": "a", "Owner": user.id})
        change(lambda change: change.put(user.with_body(user.body | {"full_name": "New Name"})))
        assert reopen().record("Leads", record, "Owner")["Owner"]["name"] == "New Name"

    def test_writes_and_changes_that_come_together_are_all_done_or_asked_anew(self, here, reopen):
        async def together():
            leads = here.module("Leads")

            def insert(transaction):
                (record,) = transaction.new_ids(1)
                transaction.insert(leads, [here.row("Leads", record, Last_Name="a")])
                return record

            writes = [here.store.write(insert) for _ in range(20)]
            changed = asyncio.ensure_future(here.store.change_metadata(add(PLAIN)))
            await asyncio.sleep(0)
            late = []
            for _ in range(20):
                try:
                    late.append(here.store.write(insert))
                except StoreClosed:
                    break
            return await asyncio.gather(*writes, *late, return_exceptions=True), await changed

        results, _ = asyncio.run(together())
        done = [record for record in results if isinstance(record, int)]
        assert all(isinstance(record, int | StoreClosed) for record in results) and len(done) >= 20
        assert sorted(reopen().ids("Leads")) == sorted(done)
