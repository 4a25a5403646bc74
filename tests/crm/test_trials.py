"""A call that is made and undone: it says what it would change, and changes nothing."""

import json

import pytest

from moorage.http.message import Request
from tests.crm.conftest import FULL_SCOPE

every_storage = pytest.mark.every_storage


@pytest.fixture
def crm(begin):
    return begin("acme", scope=f"{FULL_SCOPE},ZohoCRM.composite_requests.CUSTOM")


@pytest.fixture
def trial(crm):
    """Tries a call of the owner of an organisation."""

    def make(method, path, body=None, query=b"", caller=crm):
        token = b"Zoho-oauthtoken " + caller.token.encode()
        request = Request(
            method,
            f"/crm/v8/{path}".encode(),
            query,
            [(b"authorization", token)],
            b"" if body is None else json.dumps(body).encode(),
        )
        return caller.service.try_out(request)

    return make


def everything(crm):
    """All that could have changed, of what these tests do."""
    listed = [
        crm.get(module, fields="id,Modified_Time").body
        for module in ("Leads", "Contacts", "Accounts", "Deals", "Tasks")
    ]
    return *listed, crm.get("Leads/deleted").body, crm.get("settings/tags", module="Leads").body


@every_storage
def test_an_update_shows_both_values_and_changes_nothing(crm, trial):
    lead, _ = crm.insert("Leads", {"Last_Name": "Marsh", "City": "Leeds"}, {"Last_Name": "Ness"})
    before = everything(crm)
    shown = trial("PUT", "Leads", {"data": [{"id": lead, "City": "York"}]})
    [record] = shown.records
    assert (record.module, record.id, record.name) == ("Leads", lead, "Marsh")
    assert (record.before["City"], record.after["City"]) == ("Leeds", "York")
    assert json.loads(shown.answer)["data"][0]["code"] == "SUCCESS"
    assert (shown.status, shown.beyond) == (200, 0)
    assert everything(crm) == before
    assert crm.only(f"Leads/{lead}")["City"] == "Leeds"


def test_creations_and_deletions(crm, trial):
    [lead] = crm.insert("Leads", {"Last_Name": "Marsh"})
    before = everything(crm)
    [made] = trial("POST", "Leads", {"data": [{"Last_Name": "New"}]}).records
    [gone] = trial("DELETE", f"Leads/{lead}").records
    assert (made.before, made.after["Last_Name"], made.name) == (None, "New", "New")
    assert (gone.before["Last_Name"], gone.after) == ("Marsh", None)
    assert everything(crm) == before


def test_a_conversion_shows_every_record_that_it_touches(crm, trial):
    [lead] = crm.insert("Leads", {"Last_Name": "Marsh", "Company": "Marsh Ltd"})
    before = everything(crm)
    shown = trial("POST", f"Leads/{lead}/actions/convert", {"data": [{}]})
    assert {record.module for record in shown.records} >= {"Contacts", "Accounts"}
    assert everything(crm) == before


@every_storage
def test_the_parts_of_a_composite_request_are_undone_also_if_each_stands_alone(crm, trial):
    before = everything(crm)
    parts = [
        {"method": "POST", "uri": "/crm/v8/Leads", "body": {"data": [{"Last_Name": name}]}} for name in "AB"
    ]
    for modes in ({}, {"rollback_on_fail": True, "parallel_execution": False}, {"parallel_execution": True}):
        shown = trial("POST", "__composite_requests", {"__composite_requests": parts, **modes})
        assert [record.after["Last_Name"] for record in shown.records] == ["A", "B"]
        assert everything(crm) == before


def test_a_refused_call_shows_its_status(crm, trial):
    shown = trial("POST", "Leads", {"data": [{"City": "York"}]})
    assert shown.status >= 400
    assert shown.records == []


def test_only_so_many_records_are_read(crm, trial):
    shown = trial("POST", "Leads", {"data": [{"Last_Name": f"N{number}"} for number in range(25)]})
    assert (len(shown.records), shown.beyond) == (20, 5)


def test_who_has_no_valid_token_learns_nothing(crm, trial, nobody):
    nobody.token = "invented"
    assert trial("GET", "Leads", caller=nobody) is None


def test_no_job_is_worked_on(crm, trial, monkeypatch):
    crm.insert("Leads", {"Last_Name": "Marsh"})
    asked = []

    async def schedule(*job):
        asked.append(job)

    crm.service.wrapped._crm._schedule = schedule
    shown = trial(
        "POST",
        "Leads/actions/mass_delete",
        {"cvid": crm.get("settings/custom_views", module="Leads").json["custom_views"][0]["id"]},
    )
    assert shown.status < 300
    assert asked == []
