"""Metadata change in one process: the next call of another one shows it, also if that call needs no record."""

import asyncio

import pytest

from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from tests.contracts.opened import Opened
from tests.crm.conftest import FULL_SCOPE, Caller
from tests.crm.folder import crm_in
from tests.waited import Waited

FIELD = {"field_label": "Berth", "data_type": "text", "length": 100}


@pytest.fixture
def processes(tmp_path, clock, copies, database_url):
    """Callers of one organisation, each through a CRM that knows of the other one only by the database."""
    with asyncio.Runner() as runner:
        servers = [PostgresqlServer(database_url) for _ in range(2)]
        services = []
        for server in servers:
            storage = copies.storage(tmp_path / "crm", clock)
            storage.organisations.close()
            storage.organisations = PostgresqlSchemas(lambda _, server=server: server, clock)
            services.append(Waited(crm_in(tmp_path / "crm", clock, storage=storage), run=runner.run))
        row = services[0].organisations.create("acme", DEMO, sample=False)
        user = services[0].organisations.open(row.id).metadata.all("user")[0].id
        client = services[0].accounts.ensure_client("tests", row.id, user)
        token = services[0].accounts.issue(client, FULL_SCOPE).access_token
        yield [Caller(service, token, row.id) for service in services]
        for service in services:
            service.close()
        for server in servers:
            server.close()


def add_field(caller, label="Berth"):
    made = caller.post("settings/fields", {"fields": [FIELD | {"field_label": label}]}, module="Leads")
    assert made.status == 201, made.body
    return made.json["fields"][0]["details"]["id"]


def names(caller):
    return {field["api_name"] for field in caller.get("settings/fields", module="Leads").json["fields"]}


def test_a_call_for_the_metadata_shows_what_another_process_has_changed(processes):
    here, there = processes
    assert "Berth" not in names(there)
    add_field(here)
    assert "Berth" in names(there)
    add_field(there, "Mooring")
    assert {"Berth", "Mooring"} <= names(here)


def test_the_accounts_pages_know_the_users_that_another_process_has_changed(processes):
    here, there = processes
    assert there.service.people.active_users(there.organisation)

    def deactivate(transaction):
        for user in transaction.metadata.all("user"):
            transaction.put(user.with_body(user.body | {"status": "inactive"}))

    Opened(here.service.organisations.open(here.organisation)).change(deactivate)
    assert there.service.people.active_users(there.organisation) == []


def test_no_call_is_refused_by_metadata_that_have_changed(processes):
    here, there = processes
    unknown = there.get("Leads/search", criteria="(Berth:equals:a)")
    assert (unknown.status, unknown.json["code"]) == (400, "INVALID_QUERY")
    add_field(here)
    (lead,) = here.insert("Leads", {"Last_Name": "a", "Berth": "a"})
    assert [record["id"] for record in there.get("Leads/search", criteria="(Berth:equals:a)").data] == [lead]


def test_a_write_uses_the_metadata_of_now_and_happens_once(processes):
    here, there = processes
    there.insert("Leads", {"Last_Name": "first"})
    add_field(here)
    there.insert("Leads", {"Last_Name": "second", "Berth": "b"})
    assert [record["Berth"] for record in here.get("Leads", fields="Berth").data] == ["b", None]


def test_an_empty_answer_is_not_given_by_old_metadata(processes):
    here, there = processes
    assert there.get("Leads", fields="Last_Name").status == 204
    here.insert("Leads", {"Last_Name": "first"})
    assert there.only("Leads", fields="Last_Name")["Last_Name"] == "first"
    assert there.get("Deals", fields="Deal_Name").status == 204


def test_a_field_that_is_gone_is_shown_nowhere(processes):
    here, there = processes
    field = add_field(here)
    (lead,) = there.insert("Leads", {"Last_Name": "a", "Berth": "starboard"})
    assert there.only("Leads/search", word="starboard")["id"] == lead
    assert here.delete(f"settings/fields/{field}", module="Leads").status == 200
    assert "Berth" not in there.only(f"Leads/{lead}")
    assert there.get("Leads/search", word="starboard").status == 204
