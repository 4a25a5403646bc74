"""Searches by words take as long as a page, not as long as there are matches."""

import pytest

from moorage.crm.conditions import Phrase
from moorage.crm.store.contract import FlagIs, Words


@pytest.fixture
def fields(here):
    return here.module("Leads").fields


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("kind", ["words", "start"])
def test_a_page_by_id_ends_when_it_is_full(here, heard, fields, kind, descending):
    filters = {"words": Words("apple"), "start": Phrase(fields["Last_Name"], "app", start=True)}
    here.add("Leads", {"Last_Name": "Apple", "Converted__s": 0})
    heard.clear()
    here.page("Leads", [filters[kind], FlagIs(fields["Converted__s"], False)], descending=descending)
    [sql] = [one for one in heard if "MATCH" in one]
    steps = here.write(lambda t: list(t._connection.execute(f"EXPLAIN QUERY PLAN {sql}", ("apple", 1, 0))))
    # What has no parent puts the records of the page in order; what has one finds them.
    finding = [step[3] for step in steps if step[1]]
    assert any("VIRTUAL TABLE" in step for step in finding)
    # To put all matches in order, or to list them first, would mean to read all of them.
    assert [step for step in finding if "TEMP B-TREE" in step or "LIST" in step] == []
