"""SQLite compiles the statement of a short read once, and not again for each execution."""

import json

import apsw
import pytest

from moorage.crm.metadata.standard import DEMO
from moorage.crm.query.tree import Equal
from moorage.crm.storage.contract.records import Window
from tests.contracts.opened import Opened
from tests.crm.beginnings import quicken
from tests.crm.folder import organisations_in

ADDRESSES = ["ann@example.com", "bob@example.com", "cy@example.com"]


@pytest.fixture
def compiled(monkeypatch):
    """Grows whenever a connection that is opened from now on compiles something: then SQLite asks the authorizer."""
    asked = []

    def ask(*question):
        asked.append(question)
        return apsw.SQLITE_OK

    def listen(connection):
        connection.authorizer = ask

    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, listen])
    return asked


@pytest.fixture
def here(tmp_path, clock, compiled):
    organisations = organisations_in(tmp_path, clock)
    quicken(organisations.wrapped, tmp_path / "orgs", clock)
    organisations.create("acme", DEMO, sample=False)
    yield Opened(organisations.open(organisations.find("acme").id))
    organisations.close()


def find_address(here, number):
    email = here.module("Leads").fields["Email"]
    page = here.page("Leads", [Equal(email, ADDRESSES[number])], Window(5 + number), names=("Email",))
    assert [record["Email"] for record in json.loads(page.data)] == [ADDRESSES[number]]


def list_in_order(here, number):
    assert here.page("Leads", window=Window(2, offset=number)).count == min(2, 3 - number)


@pytest.mark.parametrize("read", [find_address, list_in_order])
def test_a_short_page_is_compiled_once(here, compiled, read):
    here.add("Leads", *({"Last_Name": "Ng", "Email": address} for address in ADDRESSES))
    read(here, 0)
    assert compiled
    compiled.clear()
    read(here, 1)
    read(here, 2)
    assert compiled == []
