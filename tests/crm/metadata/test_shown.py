"""Which keys a record shows."""

from datetime import UTC, datetime
from itertools import count

import pytest

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.shown import PROPERTIES, shape
from moorage.crm.metadata.standard import DEMO, blueprint


@pytest.fixture(scope="module")
def modules():
    numbers = count(1)
    now = datetime(2026, 2, 6, tzinfo=UTC)
    return Catalog(Metadata(blueprint(DEMO, 1234567, now, lambda: next(numbers)))).modules


def test_what_the_metadata_say_that_records_show_a_lead_shows(modules):
    assert len(PROPERTIES) == 19
    assert shape(modules["Leads"], PROPERTIES).names == PROPERTIES
    assert set(PROPERTIES) < set(shape(modules["Leads"], None).names)


def test_some_keys_belong_to_one_module(modules):
    leads, notes = (
        ("$converted", "$converted_detail"),
        ("$attachments", "$voice_note", "$is_shared_to_client"),
    )
    for name, own in (("Leads", leads), ("Notes", notes), ("Deals", ())):
        assert shape(modules[name], [*leads, *notes]).names == own


def test_some_keys_are_shown_only_where_they_are_named(modules):
    names = ("$approved", "$converted", "$canvas_id")
    assert not set(names) & set(shape(modules["Leads"], None, whole=True).names)
    assert shape(modules["Leads"], names).names == names


def test_the_module_of_a_lookup_into_several_is_shown_where_there_is_one(modules):
    assert "$se_module" in shape(modules["Tasks"], None).names
    assert "$se_module" not in shape(modules["Contacts"], None).names
    assert shape(modules["Contacts"], ["$se_module"]).names == ()


def test_rows_of_a_subform_are_no_part_of_a_list(modules):
    for names in (None, ["Quoted_Items", "Subject"]):
        assert "Quoted_Items" not in shape(modules["Quotes"], names).names
        assert "Quoted_Items" in shape(modules["Quotes"], names, whole=True).names
