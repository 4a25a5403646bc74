"""Pages of records with a word, where a module has several tables of full text and long texts."""

import json
from itertools import product

import pytest

from moorage.crm.query.tree import AllOf, Compare, Not, Phrase, WordStarts
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.records import FlagIs, Position, StoreClosed, Window
from moorage.crm.storage.postgresql import fulltext
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import ONE, documents

PLACE = Place("acme", ONE)
LONG = "berth " * 400  # More places than one vector has for a word.
COUNT = 40


@pytest.fixture
def storage(database_url, clock, monkeypatch):
    monkeypatch.setattr(fulltext, "SHORTEST_SPAN", 6)
    server = PostgresqlServer(database_url)
    storage = PostgresqlSchemas(lambda _: server, clock)
    storage.make(PLACE, documents(ONE), None)
    yield storage
    server.close()


@pytest.fixture
def reopened(storage):
    """Opens the organisation again, as is done for each call if its store was closed."""
    opened = []

    def reopen():
        opened.append(Opened(storage.open(PLACE)))
        return opened[-1]

    yield reopen
    for organisation in opened:
        organisation.store.close()


@pytest.fixture
def berths(reopened):
    """The leads in an open organisation: every third has a long text, every fourth another name."""
    here, ids = reopened(), []
    for number in range(COUNT):
        text = LONG if number % 3 == 0 else "a berth"
        name = "Quay" if number % 4 == 0 else "Pier"
        if here.store.closed:
            here = reopened()
        ids += here.add("Leads", {"Last_Name": name, "Description": text, "No_of_Employees": number})
    here = reopened()
    tables = here.store._opened.inventory.texts_of(here.module("Leads"))
    assert len(tables.firsts) > 4
    assert tables.has_long
    return here, ids


WORD = WordStarts(("ber",))


@pytest.mark.parametrize(("descending", "size"), [(True, 7), (False, 7), (True, 200), (False, 1)])
def test_pages_follow_one_another_without_gap_or_repeat(berths, descending, size):
    here, ids = berths
    expected = ids[::-1] if descending else ids
    by_offset = []
    for offset in range(0, COUNT, size):
        by_offset += here.ids("Leads", [WORD], Window(size, offset=offset), descending=descending)
    assert by_offset == expected
    walked, start = [], None
    while True:
        page = here.page("Leads", [WORD], Window(size, start=start), descending=descending)
        walked += [int(record["id"]) for record in json.loads(page.data)]
        start = page.last
        if not page.more:
            break
    assert walked == expected


def test_a_page_reached_backwards_has_the_records_before(berths):
    here, ids = berths
    for place in (3, 17, 30):
        window = Window(9, start=Position(None, ids[place]), backwards=True)
        assert here.ids("Leads", [WORD], window) == ids[place + 1 : place + 10][::-1]
        assert here.ids("Leads", [WORD], window, descending=False) == ids[max(0, place - 9) : place]


def test_other_conditions_narrow_a_page(berths):
    here, ids = berths
    fields = here.module("Leads").fields
    few = Compare(fields["No_of_Employees"], ">=", 31)
    for text, descending in product((WORD, Phrase(fields["Description"], "berth")), (True, False)):
        expected = ids[31:][::-1] if descending else ids[31:]
        assert here.ids("Leads", [text, few], Window(5), descending=descending) == expected[:5]
        assert here.ids("Leads", [few, text], Window(5, offset=5), descending=descending) == expected[5:]
        assert here.ids("Leads", [AllOf((text, few))], descending=descending) == expected
    assert here.ids("Leads", [WORD, FlagIs(fields["Email_Opt_Out"], True)]) == []


def test_all_phrases_may_be_in_different_parts_of_a_long_text(berths):
    here, ids = berths
    fields = here.module("Leads").fields
    quays = [record for number, record in enumerate(ids) if number % 4 == 0]
    assert here.ids("Leads", [WordStarts(("quay", "berth"))], descending=False) == quays
    long_quays = [record for number, record in enumerate(ids) if number % 12 == 0]
    assert here.ids("Leads", [WordStarts(("quay", "berth-berth"))], descending=False) == long_quays
    assert here.count("Leads", [Not(Phrase(fields["Description"], "berth berth"))]) == COUNT - 14
    assert here.ids("Leads", [Phrase(fields["Description"], "a", start=True)], Window(1)) == [ids[-2]]


def test_a_store_without_the_newest_table_has_to_be_opened_anew(reopened):
    here, there = reopened(), reopened()
    here.add("Leads", {"Last_Name": "first"})
    with pytest.raises(StoreClosed):
        there.ids("Leads", [WordStarts(("first",))])
    assert there.store.closed
    here, there = reopened(), reopened()
    for _ in range(10):
        here.add("Leads", {"Last_Name": "next"})
    with pytest.raises(StoreClosed):
        there.ids("Leads", [WordStarts(("next",))])
    assert len(reopened().ids("Leads", [WordStarts(("next",))])) == 10
