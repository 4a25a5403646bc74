"""External fields of the type `user`: each user has values of their own, and sees no others."""

import json

import pytest

from tests.contracts.opened import Opened
from tests.crm.composite.parts import call as composite
from tests.crm.composite.parts import part
from tests.crm.records.test_external_ids import CONTACTS, make_field, outcome

USER = {"type": "user", "show": True}


@pytest.fixture
def other(caller_of):
    return caller_of("acme", user=1)


@pytest.fixture
def contact(crm, other):
    """A contact that is c1 for one user and x1 for the other."""
    assert make_field(crm, "Contacts", USER).status == 201
    (contact,) = crm.insert("Contacts", {"Last_Name": "Gill", "Erp_Id": "c1"})
    changed = other.put(f"Contacts/{contact}", {"data": [{"Erp_Id": "x1"}]})
    assert changed.status == 200, changed.body
    return contact


def own(crm, record):
    return crm.only(f"Contacts/{record}").get("Erp_Id")


def coql(crm, text):
    return crm.post("coql", {"select_query": text})


def test_nothing_that_is_for_all_users_goes_by_such_a_field(crm, contact):
    fields = crm.get("settings/fields", module="Contacts").json["fields"]
    field = next(each for each in fields if each["api_name"] == "Erp_Id")
    assert field["external"] == USER
    assert not any(field[name] for name in ("searchable", "sortable", "filterable", "mass_update"))
    assert make_field(crm, "Leads", USER, unique={}).json["fields"][0]["code"] == "NOT_ALLOWED"
    path, change = f"settings/fields/{field['id']}", {"fields": [{"unique": {"case_sensitive": False}}]}
    refused = crm.call("PATCH", path, {"module": "Contacts"}, change)
    assert refused.json["fields"][0]["code"] == "NOT_ALLOWED"
    for answer in (
        crm.get("Contacts", fields="id", sort_by="Erp_Id"),
        crm.get("Contacts/search", criteria="(Erp_Id:equals:c1)"),
        coql(crm, "select id from Contacts where Erp_Id = 'c1'"),
        coql(crm, "select id from Contacts where Last_Name is not null order by Erp_Id"),
        coql(crm, "select count(Erp_Id) from Contacts where Last_Name is not null"),
        coql(crm, "select Contact_Name.Erp_Id from Deals where id is not null"),
        crm.call("POST", "Contacts/actions/mass_update", None, {"ids": [contact], "data": [{"Erp_Id": "9"}]}),
    ):
        assert answer.status == 400, answer.body


@pytest.mark.every_storage
def test_each_user_sees_and_finds_by_their_own_values(crm, other, contact):
    (plain,) = crm.insert("Contacts", {"Last_Name": "Plain"})
    for caller, value, foreign in ((crm, "c1", "x1"), (other, "x1", "c1")):
        assert own(caller, contact) == value and own(caller, plain) is None
        listed = {each["id"]: each["Erp_Id"] for each in caller.get("Contacts", fields="Erp_Id").data}
        assert listed[contact] == value and listed[plain] is None
        assert caller.get("Contacts/search", word="Gill", fields="Erp_Id").data[0]["Erp_Id"] == value
        asked = coql(caller, "select Erp_Id as Mine, Last_Name from Contacts where Last_Name = 'Gill'")
        assert asked.data == [{"Mine": value, "Last_Name": "Gill", "id": contact}]
        assert list(asked.data[0]) == ["Mine", "Last_Name", "id"]
        found = caller.get(f"Contacts/{value.upper()}", headers=CONTACTS, fields="Erp_Id")
        assert found.data == [{"Erp_Id": value, "id": contact}]
        assert caller.get(f"Contacts/{foreign}", headers=CONTACTS, fields="id").status == 204
    changed = other.put("Contacts", {"data": [{"Erp_Id": "x1", "Phone": "1"}]}, headers=CONTACTS)
    assert outcome(changed)[2]["id"] == contact
    assert crm.only(f"Contacts/{contact}")["Phone"] == "1"


@pytest.mark.every_storage
def test_a_value_is_unique_for_each_user(crm, other, contact):
    rows = [{"Last_Name": "Two", "Erp_Id": "C1"}, {"Last_Name": "Three", "Erp_Id": "x1"}]
    rows += [{"Last_Name": "Four", "Erp_Id": "X1"}]
    first, second, third = crm.post("Contacts", {"data": rows}).data
    assert (first["code"], first["message"]) == (
        "DUPLICATE_DATA",
        "The external field contains duplicate data.",
    )
    assert first["details"]["duplicate_record"]["id"] == contact
    assert (second["code"], third["code"]) == ("SUCCESS", "DUPLICATE_DATA")
    upserted = other.post("Contacts/upsert", {"data": [{"Last_Name": "Gale", "Erp_Id": "x1"}]})
    assert outcome(upserted)[2]["id"] == contact and upserted.data[0]["duplicate_field"] == "Erp_Id"
    new = crm.post("Contacts/upsert", {"data": [{"Last_Name": "New", "Erp_Id": "c9"}]})
    assert new.data[0]["action"] == "insert"
    second = second["details"]["id"]
    swapped = [
        {"id": contact, "Erp_Id": None},
        {"id": second, "Erp_Id": "c1"},
        {"id": contact, "Erp_Id": "x1"},
    ]
    assert [each["code"] for each in crm.put("Contacts", {"data": swapped}).data] == ["SUCCESS"] * 3
    assert (own(crm, contact), own(crm, second), own(other, contact)) == ("x1", "c1", "x1")


@pytest.mark.every_storage
def test_values_stay_in_the_recycle_bin_unless_another_record_gets_them(crm, other, contact):
    crm.call("DELETE", f"Contacts/{contact}")
    assert crm.get("Contacts/c1", headers=CONTACTS, fields="id").status == 204
    (heir,) = crm.insert("Contacts", {"Last_Name": "Heir", "Erp_Id": "c1"})
    restored = crm.post(f"settings/recycle_bin/{contact}/actions/restore", {})
    assert restored.status == 200, restored.body
    assert (own(crm, contact), own(crm, heir), own(other, contact)) == (None, "c1", "x1")


def test_values_go_neither_into_copies_nor_into_another_record(crm, contact):
    copied = crm.post(f"Contacts/{contact}/actions/clone", b"")
    assert own(crm, outcome(copied)[2]["id"]) is None
    (master,) = crm.insert("Contacts", {"Last_Name": "Master"})
    part = {"id": contact, "_fields": [{"api_name": "Erp_Id"}]}
    refused = crm.post(f"Contacts/{master}/actions/merge", {"merge": [{"data": [part]}]})
    assert refused.json["merge"][0]["code"] == "INVALID_DATA", refused.body


def test_a_field_goes_with_its_values(crm, contact):
    fields = crm.get("settings/fields", module="Contacts").json["fields"]
    (field,) = [each["id"] for each in fields if each["api_name"] == "Erp_Id"]
    assert crm.call("DELETE", f"settings/fields/{field}", {"module": "Contacts"}).status == 200
    assert own(crm, contact) is None
    assert make_field(crm, "Contacts", USER).status == 201
    assert own(crm, contact) is None


def test_every_way_to_a_record_shows_the_callers_own_value(crm, other, caller_of, contact):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    assert crm.put(f"Contacts/{contact}", {"data": [{"Account_Name": {"id": account}}]}).status == 200
    for caller, value in ((crm, "c1"), (other, "x1")):
        assert caller.only(f"Accounts/{account}/Contacts", fields="Erp_Id")["Erp_Id"] == value
        assert caller.get(f"/crm/v2/Contacts/{contact}").data[0]["Erp_Id"] == value
        headers = {"If-Modified-Since": "2020-01-01T00:00:00+00:00"}
        assert caller.get(f"Contacts/{contact}", headers=headers).data[0]["Erp_Id"] == value
    query = {"module": {"api_name": "Contacts"}, "fields": ["Erp_Id"]}
    reader = caller_of("acme", "ZohoCRM.bulk.ALL,ZohoCRM.modules.ALL")
    refused = reader.post("/crm/bulk/v8/read", {"query": query})
    assert refused.json["code"] == "FIELD_NOT_SUPPORTED"
    told = crm.get(f"Contacts/{contact}/__timeline", include_inner_details="field_history")
    assert b"c1" not in told.body and b"x1" not in told.body


def test_a_part_of_a_composite_request_shows_the_callers_own_value(caller_of, contact):
    caller = caller_of("acme", "ZohoCRM.composite_requests.CUSTOM,ZohoCRM.modules.ALL", user=1)
    _, (shown,) = composite(caller, part("GET", f"Contacts/{contact}", name="a1"))
    assert '"x1"' in json.dumps(shown)


def test_lookups_name_records_by_the_callers_own_values(crm, other, contact):
    headers = {"X-EXTERNAL": "Deals.Contact_Name.Erp_Id"}
    deal = {"Deal_Name": "Boat", "Stage": "Qualification", "Closing_Date": "2026-12-01"}
    for caller, value, code in ((other, "x1", "SUCCESS"), (other, "c1", "INVALID_DATA")):
        row = {**deal, "Contact_Name": {"Erp_Id": value}}
        assert caller.call("POST", "Deals", None, {"data": [row]}, headers=headers).data[0]["code"] == code


def test_a_snapshot_has_the_values(service, crm, other, contact, tmp_path):
    service.organisations.snapshot("acme", tmp_path / "snap.db")
    crm.put(f"Contacts/{contact}", {"data": [{"Erp_Id": "c2"}]})
    service.organisations.restore("acme", tmp_path / "snap.db")
    assert (own(crm, contact), own(other, contact)) == ("c1", "x1")


def test_the_values_of_a_record_that_is_gone_for_good_are_gone(crm, contact):
    opened = Opened(crm.service.organisations.open(crm.organisation))

    (user,) = crm.get("users", type="CurrentUser").json["users"]

    def stored():
        kind = f"external {opened.module('Contacts').fields['Erp_Id'].id} {user['id']}"
        return opened.write(lambda tx: len(tx.companions.named(kind, ["c1"])))

    crm.call("DELETE", f"Contacts/{contact}")
    assert stored() == 1
    assert crm.call("DELETE", f"settings/recycle_bin/{contact}").status == 200
    assert stored() == 0
