"""Searches by words take as long as a page, not as long as there are matches."""

import json
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.query.tree import Phrase, WordStarts
from moorage.crm.storage.contract.records import FlagIs, Position, Window
from moorage.crm.storage.sqlite import fulltext


@pytest.fixture
def fields(here):
    return here.module("Leads").fields


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("kind", ["words", "start"])
def test_a_page_by_id_ends_when_it_is_full(here, heard, fields, kind, descending):
    filters = {"words": WordStarts(("apple",)), "start": Phrase(fields["Last_Name"], "app", start=True)}
    here.add("Leads", {"Last_Name": "Apple", "Converted__s": 0})
    heard.clear()
    here.page("Leads", [filters[kind], FlagIs(fields["Converted__s"], False)], descending=descending)
    [sql] = [statement for statement in heard if "MATCH" in statement]
    steps = here.write(lambda t: list(t.connection.execute(f"EXPLAIN QUERY PLAN {sql}", ("apple", 1))))
    finding = [step[3] for step in steps]
    assert any("VIRTUAL TABLE" in step for step in finding)
    # To put all matches in order, or to list them first, would mean to read all of them.
    assert [step for step in finding if "TEMP B-TREE" in step or "LIST" in step] == []


@pytest.mark.parametrize(("descending", "newest"), [(True, True), (False, False)])
def test_a_page_that_one_table_of_the_full_text_fills_reads_no_other(
    here, heard, monkeypatch, descending, newest
):
    monkeypatch.setattr(fulltext, "SPAN", 10)
    ids = [here.add("Leads", *[{"Last_Name": "Apple"}] * 5) for _ in range(4)]
    heard.clear()
    ids_found = here.ids("Leads", [WordStarts(("app",))], Window(4), descending=descending)
    assert ids_found == (ids[-1][:0:-1] if newest else ids[0][:4])
    assert len([statement for statement in heard if "MATCH" in statement]) == 1
    heard.clear()
    assert len(here.ids("Leads", [WordStarts(("app",))], Window(20), descending=descending)) == 20
    assert len([statement for statement in heard if "MATCH" in statement]) > 1


def test_a_walk_does_not_look_again_at_tables_that_it_has_passed(here, heard, monkeypatch):
    monkeypatch.setattr(fulltext, "SPAN", 10)
    ids = [statement for _ in range(4) for statement in here.add("Leads", *[{"Last_Name": "Apple"}] * 10)]
    for descending, passed in ((True, ids[:10]), (False, ids[-10:])):
        start = Position(None, passed[-1] + 1 if descending else passed[0] - 1)
        heard.clear()
        ids_found = here.ids("Leads", [WordStarts(("app",))], Window(20, start=start), descending=descending)
        assert sorted(ids_found) == passed
        assert len([statement for statement in heard if "MATCH" in statement]) == 1


def test_an_organisation_whose_full_text_was_one_table_goes_on_with_it(here, monkeypatch):
    old = here.add("Leads", *[{"Last_Name": "Apple"}] * 7)
    monkeypatch.setattr(fulltext, "SPAN", 2)
    leads = here.module("Leads")
    column = leads.fields["Last_Name"].column
    here.write(lambda t: t.update(leads, old[6], {column: "Pear"}))
    new = here.add("Leads", *[{"Last_Name": "Apple"}] * 3)
    here.write(lambda t: t.update(leads, old[5], {column: "Pear"}))
    here.write(lambda t: t.drop(leads, [old[0], new[0]]))
    assert here.ids("Leads", [WordStarts(("app",))]) == [*new[:0:-1], *old[4:0:-1]]
    assert here.ids("Leads", [WordStarts(("pear",))]) == [old[6], old[5]]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "change", "drop"]), st.sampled_from(["apple", "pear"]), st.integers(0, 30)
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, size=st.integers(1, 4), descending=st.booleans())
def test_pages_over_many_tables_hold_what_matches_in_order(here, actions, size, descending):
    leads = here.module("Leads")
    column = leads.fields["Last_Name"].column
    records: dict[int, str] = {}

    def act(transaction):
        transaction.drop(leads, transaction.existing(leads, known))
        for action, word, which in actions:
            chosen = sorted(records)[which % len(records)] if records else None
            if action == "add":
                (record,) = transaction.new_ids(1)
                transaction.insert(leads, [here.row("Leads", record, Last_Name=word)])
                records[record] = word
            elif chosen is not None and action == "change":
                transaction.update(leads, chosen, {column: word})
                records[chosen] = word
            elif chosen is not None:
                transaction.drop(leads, [chosen])
                del records[chosen]

    with mock.patch.object(fulltext, "SPAN", 3):
        known = here.ids("Leads", [], Window(200))
        here.write(act)
    expected = sorted(
        (record_id for record_id, word in records.items() if word == "apple"), reverse=descending
    )
    walked, window = [], Window(size)
    while True:
        page = here.page("Leads", [WordStarts(("app",))], window, descending=descending)
        walked += [int(record["id"]) for record in json.loads(page.data)]
        if not page.more:
            break
        window = Window(size, start=page.last)
    assert walked == expected
    by_offset = [
        here.ids("Leads", [WordStarts(("app",))], Window(size, offset=n), descending=descending)
        for n in range(0, len(expected), size)
    ]
    assert [record_id for page in by_offset for record_id in page] == expected
    assert here.count("Leads", [WordStarts(("app",))]) == len(expected)
