"""Records come back out of the recycle bin as they were, or go for good with all that belongs to them."""

import json

import pytest

from moorage.crm.api.settings import recycle_bin
from tests.contracts.opened import Opened
from tests.crm.settings.making_fields import field, made
from tests.crm.settings.test_roll_up_fields import rolled_up

BIN = "settings/recycle_bin"


def messages(answer):
    return [outcome["message"] for outcome in answer.json["recycle_bin"]]


def test_a_restored_record_is_whole_again(crm):
    made(crm, rolled_up("Many", "count"), module="Accounts")
    made(crm, field("Surveys", "subform"))
    made(crm, field("Finding"), module="Surveys")
    (account,) = crm.insert("Accounts", {"Account_Name": "Harbour"})
    deal = {"Stage": "Qualification", "Account_Name": {"id": account}}
    deals = crm.insert("Deals", {"Deal_Name": "a", **deal}, {"Deal_Name": "b", **deal})
    (lead,) = crm.insert(
        "Leads", {"Last_Name": "Moor", "Tag": [{"name": "hot"}], "Surveys": [{"Finding": "rust"}]}
    )
    (note,) = crm.insert(
        "Notes", {"Note_Title": "n", "Parent_Id": {"module": {"api_name": "Leads"}, "id": lead}}
    )
    lock = crm.post(f"Leads/{lead}/Locking_Information__s", {"data": [{"Locked_Reason__s": "x"}]})
    before = crm.only(f"Leads/{lead}"), crm.only(f"Accounts/{account}")
    for path in (f"Leads/{lead}", f"Deals/{deals[0]}", f"Accounts/{account}", f"Notes/{note}"):
        assert crm.delete(path).status == 200
    assert crm.get("Leads/search", word="Moor").status == 204
    early = crm.post(f"{BIN}/{note}/actions/restore", {})
    assert (early.status, early.json["recycle_bin"][0]["code"]) == (400, "CANNOT_RESTORE_WITHOUT_PARENT")
    answer = crm.post(f"{BIN}/actions/restore", {"ids": [note, lead, deals[0], account]})
    assert answer.status == 200, answer.body
    assert answer.json["recycle_bin"][1] == {
        "code": "SUCCESS", "details": {"id": lead}, "message": "record restored", "status": "success",
    }  # fmt: skip
    assert (crm.only(f"Leads/{lead}"), crm.only(f"Accounts/{account}")) == before
    assert before[1]["Many"] == 2
    assert crm.only("Leads/search", word="Moor")["id"] == lead
    assert crm.only("Surveys/search", word="rust")["Finding"] == "rust"
    assert (
        crm.only(f"Leads/{lead}/Locking_Information__s", fields="id")["id"] == lock.data[0]["details"]["id"]
    )
    assert crm.get(BIN).status == crm.get("Leads/deleted").status == 204
    for path in (f"Accounts/{account}", f"Deals/{deals[1]}"):
        assert crm.delete(path).status == 200
    assert crm.post(f"{BIN}/{account}/actions/restore", {}).status == 200
    assert crm.only(f"Accounts/{account}")["Many"] == 1


def test_the_list_shows_sorts_and_filters(crm):
    leads = crm.insert("Leads", *({"Last_Name": name} for name in ("Cedar", "ash", "Birch")))
    (task,) = crm.insert("Tasks", {"Subject": "ash"})
    crm.delete("Leads", ids=",".join(leads))
    crm.delete(f"Tasks/{task}")
    user, module = crm.get("users").json["users"][0], crm.get("settings/modules/Leads").json["modules"][0]
    person = {"name": user["full_name"], "id": user["id"]}
    assert crm.get(f"{BIN}/{leads[0]}").json == {
        "recycle_bin": [
            {
                "display_name": "Cedar",
                "deleted_time": "2026-02-06T01:10:56-08:00",
                "owner": person,
                "module": {"api_name": "Leads", "id": module["id"]},
                "deleted_by": person,
                "id": leads[0],
            }
        ],
        "info": {"per_page": 1, "count": 1, "page": 1, "more_records": False},
    }

    def listed(*conditions, **params):
        if conditions:
            group = [
                {"field": {"api_name": name}, "comparator": comparator, "value": value}
                for name, comparator, value in conditions
            ]
            params["filters"] = json.dumps({"group_operator": "AND", "group": group})
        answer = crm.get(BIN, **params)
        return [entry["id"] for entry in answer.json["recycle_bin"]] if answer.status == 200 else []

    assert listed(sort_by="display_name", sort_order="asc") == [leads[1], task, leads[2], leads[0]]
    assert listed(per_page=1, page=2) == [leads[2]]
    assert listed(ids=leads[2], filters="not read") == [leads[2]]
    assert listed(("module", "equal", {"api_name": "Leads"}), ("display_name", "contains", "S")) == [leads[1]]
    assert listed(("deleted_by", "in", [user["id"]]), ("module", "not_equal", "Leads")) == [task]
    assert listed(("deleted_time", "greater_than", "2026-02-06T01:10:56-08:00")) == []
    assert crm.get(f"{BIN}/actions/count").json == {"count": 4}
    assert crm.get(f"{BIN}/5").status == 204
    assert crm.get(f"{BIN}/x").json["details"] == {"resource_path_index": 2}


@pytest.mark.parametrize(
    ("filters", "details"),
    [
        ("[", {"expected_data_type": "jsonobject"}),
        ({"field": "City", "comparator": "equal", "value": 1}, {"json_path": "$.field"}),
        (
            {"field": "module", "comparator": "like", "value": 1},
            {"api_name": "comparator", "json_path": "$.comparator"},
        ),
        ({"group": [{"field": "deleted_by", "comparator": "equal"}]}, {"json_path": "$.group[0].value"}),
        ({"group_operator": "OR", "group": []}, {"json_path": "$.group_operator"}),
        ({"group": [{}] * 26}, {"limit": 25}),
    ],
)
def test_filters_that_are_none_are_refused(kept_crm, filters, details):
    text = filters if isinstance(filters, str) else json.dumps(filters)
    refused = kept_crm.get(BIN, filters=text)
    assert refused.status == 400
    assert refused.json["details"].items() >= {"param_name": "filters", **details}.items()


def test_what_is_deleted_for_good_takes_along_all_that_belongs_to_it(crm, service):
    lead, kept = crm.insert("Leads", {"Last_Name": "Moor"}, {"Last_Name": "kept"})
    note = {"Note_Title": "quay", "Parent_Id": {"module": {"api_name": "Leads"}, "id": lead}}
    crm.insert("Notes", note)
    crm.post(f"Leads/{lead}/Locking_Information__s", {"data": [{"Locked_Reason__s": "x"}]})
    crm.delete(f"Leads/{lead}")
    answer = crm.delete(BIN, ids=f"{lead},{kept}")
    assert (answer.status, messages(answer)) == (207, ["record deleted", "the id given seems to be invalid"])
    assert crm.delete(f"{BIN}/{lead}").status == crm.post(f"{BIN}/{lead}/actions/restore", {}).status == 400
    assert crm.get("Notes/search", word="quay").status == 204
    assert Opened(service.organisations.open(crm.organisation)).companions("lock") == ([], False)
    assert crm.get("Leads/deleted", type="permanent").data[0]["id"] == lead
    assert crm.only(f"Leads/{kept}")["Last_Name"] == "kept"


def test_all_or_some_are_restored_and_the_bin_is_emptied(crm, monkeypatch):
    leads = crm.insert("Leads", *({"Last_Name": f"lead {n}"} for n in range(3)))
    (task,) = crm.insert("Tasks", {"Subject": "t"})

    def fill():
        assert crm.delete("Leads", ids=",".join(leads)).status == crm.delete(f"Tasks/{task}").status == 200

    fill()
    some = {"filters": {"field": {"api_name": "module"}, "comparator": "equal", "value": "Tasks"}}
    assert messages(crm.post(f"{BIN}/actions/restore", some)) == ["record restored"]
    monkeypatch.setattr(recycle_bin, "PART", 2)
    assert (
        messages(crm.post(f"{BIN}/actions/restore", {"restore_all_records": True})) == ["record restored"] * 3
    )
    monkeypatch.setattr(recycle_bin, "AT_ONCE", 2)
    fill()
    many = crm.post(f"{BIN}/actions/restore", {"restore_all_records": True})
    assert (many.status, many.json["code"]) == (202, "SCHEDULED")
    assert crm.get("Leads", fields="id").json["info"]["count"] == 3
    fill()
    assert crm.post(f"{BIN}/actions/empty", {}).status == 202
    assert crm.post(f"{BIN}/actions/empty", {}).json["message"] == "recyclebin is cleared"
    assert crm.get(f"{BIN}/actions/count").json == {"count": 0}


def test_what_can_not_be_asked(crm):
    assert crm.delete(BIN).json["code"] == "EXPECTED_PARAM_MISSING"
    assert crm.delete(BIN, ids="1", filters="{}").json["code"] == "AMBIGUITY_DURING_PROCESSING"
    restore = f"{BIN}/actions/restore"
    assert crm.post(restore, {}).json["code"] == "EXPECTED_FIELD_MISSING"
    both = crm.post(restore, {"ids": ["1"], "restore_all_records": True})
    assert both.json["code"] == "AMBIGUITY_DURING_PROCESSING"
    for body in ({"ids": []}, {"ids": ["x"]}, {"ids": ["1"] * 1001}, {"restore_all_records": "yes"}, []):
        assert crm.post(restore, body).json["code"] == "INVALID_DATA"


def test_a_value_that_somebody_else_has_by_now_keeps_a_record_in_the_bin(crm):
    made(crm, field("Berth", unique={"case_sensitive": False}))
    leads = crm.insert("Leads", {"Last_Name": "a", "Berth": "x"}, {"Last_Name": "b", "Berth": "y"})
    crm.delete("Leads", ids=",".join(leads))
    (holder,) = crm.insert("Leads", {"Last_Name": "c", "Berth": "X"})
    answer = crm.post(f"{BIN}/actions/restore", {"ids": leads})
    assert answer.status == 207
    assert answer.json["recycle_bin"][0] == {
        "code": "DUPLICATE_DATA",
        "details": {"id": leads[0], "api_name": "Berth", "duplicate_record": {"id": holder}},
        "message": "duplicate data",
        "status": "error",
    }
    assert crm.get(f"{BIN}/actions/count").json == {"count": 1}


def test_users_have_what_they_deleted_themselves_unless_it_is_locked(crm, caller_of):
    other = caller_of("acme", user=2)
    first, second = crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})
    crm.delete(f"Leads/{first}")
    other.delete(f"Leads/{second}")
    assert [entry["id"] for entry in other.get(BIN).json["recycle_bin"]] == [second]
    assert (
        other.post(f"{BIN}/{first}/actions/restore", {}).status
        == other.delete(f"{BIN}/{first}").status
        == 400
    )
    assert other.post(f"{BIN}/actions/restore", {"restore_all_records": True}).status == 200
    assert crm.get(f"{BIN}/{first}").status == 200
    other.post(f"Leads/{second}/Locking_Information__s", {"data": [{"Locked_Reason__s": "x"}]})
    other.delete(f"Leads/{second}")
    for refused in (crm.delete(f"{BIN}/{second}"), crm.post(f"{BIN}/{second}/actions/restore", {})):
        assert refused.json["recycle_bin"][0]["code"] == "RECORD_LOCKED"
