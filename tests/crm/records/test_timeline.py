"""The timeline of a record says what has happened to it, in the order in which it did."""

import json

import pytest

from tests.contracts.opened import Opened


def entries(crm, record, module="Leads", **params):
    answer = crm.get(f"{module}/{record}/__timeline", **params)
    assert answer.status == 200, answer.body
    return answer.json["__timeline"]


def values(entry):
    history = entry["field_history"] or ()
    return {field["api_name"]: (field["_value"]["old"], field["_value"]["new"]) for field in history}


def test_it_tells_of_the_making_of_changes_and_of_the_way_to_the_bin_and_back(crm, clock):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor", "City": "Oslo"})
    clock.advance(60)
    change = {"City": "Rome", "Email_Opt_Out": True, "Annual_Revenue": 1.5, "Tag": [{"name": "hot"}]}
    assert crm.put(f"Leads/{lead}", {"data": [change]}).status == 200
    assert crm.put(f"Leads/{lead}", {"data": [{"City": "Rome"}]}).status == 200
    assert crm.delete(f"Leads/{lead}").status == 200
    assert crm.post(f"settings/recycle_bin/{lead}/actions/restore", {}).status == 200
    answer = crm.get(f"Leads/{lead}/__timeline").json
    restored, deleted, updated, added = answer["__timeline"]
    assert [e["action"] for e in (restored, deleted, updated, added)] == [
        "restored", "deleted", "updated", "added",
    ]  # fmt: skip
    user, module = crm.get("users").json["users"][0], crm.get("settings/modules/Leads").json["modules"][0]
    assert added == {
        "id": lead,
        "action": "added",
        "audited_time": "2026-02-06T01:10:56-08:00",
        "source": "crm_api",
        "record": {"module": {"api_name": "Leads", "id": module["id"]}, "name": "Moor", "id": lead},
        "related_record": None,
        "done_by": {"name": user["full_name"], "id": user["id"]},
        "automation_details": None,
        "field_history": None,
    }
    assert updated["audited_time"] == "2026-02-06T01:11:56-08:00"
    assert values(updated) == {
        "City": ("Oslo", "Rome"),
        "Email_Opt_Out": ("false", "true"),
        "Annual_Revenue": (None, "1.5"),
        "Tag": (None, "hot"),
    }
    assert answer["info"] == {
        "per_page": 200, "next_page_token": None, "count": 4, "previous_page_token": None, "more_records": False,
    }  # fmt: skip


def test_owners_and_linked_records_are_named(crm):
    accounts = crm.insert("Accounts", {"Account_Name": "Acme"}, {"Account_Name": "Moor"})
    (deal,) = crm.insert("Deals", {"Deal_Name": "d", "Stage": "Qualification", "Account_Name": accounts[0]})
    one, other, *_ = crm.get("users", type="ActiveUsers").json["users"]
    change = {"Account_Name": accounts[1], "Owner": other["id"], "Closing_Date": "2026-05-01"}
    assert crm.put(f"Deals/{deal}", {"data": [change]}).status == 200
    shown = values(entries(crm, deal, "Deals")[0])
    assert shown["Account_Name"] == ("Acme", "Moor")
    assert shown["Owner"] == (one["full_name"], other["full_name"])
    assert shown["Closing_Date"] == (None, "2026-05-01")
    (task,) = crm.insert("Tasks", {"Subject": "t"})
    linked = {"What_Id": {"id": deal}, "$se_module": "Deals"}
    assert crm.put(f"Tasks/{task}", {"data": [linked]}).status == 200
    assert values(entries(crm, task, "Tasks")[0])["What_Id"] == (None, "d")


def test_pages_hold_each_entry_once_in_both_orders(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor"})
    for n in range(3):
        crm.put(f"Leads/{lead}", {"data": [{"City": f"c{n}"}]})
    whole = [entry["id"] for entry in entries(crm, lead)]
    assert len(whole) == 4
    assert [entry["id"] for entry in entries(crm, lead, sort_order="asc")] == whole[::-1]
    for order, expected in (("desc", whole), ("asc", whole[::-1])):
        for size in (1, 2, 3):
            found, params = [], {"per_page": size, "sort_order": order}
            while True:
                answer = crm.get(f"Leads/{lead}/__timeline", **params).json
                found += [entry["id"] for entry in answer["__timeline"]]
                assert answer["info"]["more_records"] is (answer["info"]["next_page_token"] is not None)
                if not answer["info"]["more_records"]:
                    break
                params["page_token"] = answer["info"]["next_page_token"]
            assert found == expected, (order, size)
    assert crm.get(f"Leads/{lead}/__timeline", per_page=2, page=3).status == 204


def test_what_happens_between_two_pages_moves_no_entry(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "lead"})
    for number in range(3):
        crm.put(f"Leads/{lead}", {"data": [{"City": f"city {number}"}]})
    first = crm.get(f"Leads/{lead}/__timeline", per_page=2).json
    crm.put(f"Leads/{lead}", {"data": [{"City": "later"}]})
    second = crm.get(f"Leads/{lead}/__timeline", per_page=2, page_token=first["info"]["next_page_token"]).json
    told = [values(entry).get("City") for page in (first, second) for entry in page["__timeline"]]
    assert told == [("city 1", "city 2"), ("city 0", "city 1"), (None, "city 0"), None]


def test_what_is_told_of_records_that_lie_together_is_kept_apart(crm, service):
    leads = crm.insert("Leads", *({"Last_Name": f"lead {n}"} for n in range(20)))
    for city in ("Oslo", "Rome"):
        assert crm.put("Leads", {"data": [{"id": lead, "City": city} for lead in leads]}).status == 200
    assert crm.put(f"Leads/{leads[0]}", {"data": [{"City": "Lima"}]}).status == 200
    assert [values(entry).get("City") for entry in entries(crm, leads[0])] == [
        ("Rome", "Lima"), ("Oslo", "Rome"), (None, "Oslo"), None,
    ]  # fmt: skip
    assert len(entries(crm, leads[1])) == 3
    opened = Opened(service.organisations.open(crm.organisation))
    assert len(opened.companions("timeline")[0]) <= 2 * 3 + 1
    crm.delete("Leads", ids=",".join(leads))
    assert crm.post("settings/recycle_bin/actions/restore", {"ids": leads[2:]}).status == 200
    assert crm.delete("settings/recycle_bin", ids=",".join(leads[:2])).status == 200
    told = {record for _, body in opened.companions("timeline")[0] for record, _ in body[3]}
    assert told == {int(lead) for lead in leads[2:]}
    assert len(entries(crm, leads[2])) == 5


def test_details_are_shown_if_they_are_asked_for(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor"})
    crm.put(f"Leads/{lead}", {"data": [{"City": "Rome"}]})
    inner = "field_history.data_type,field_history.field_label,done_by.profile"
    entry = entries(crm, lead, include_inner_details=inner, include="type")[0]
    assert entry["field_history"][0].items() >= {"data_type": "text", "field_label": "City"}.items()
    assert entry["done_by"]["profile"]["name"] == "Administrator"
    assert entry["type"] is None


@pytest.mark.parametrize(
    "params",
    [
        {"filters": "{}"},
        {"sort_by": "id"},
        {"sort_order": "up"},
        {"include": "x"},
        {"include_inner_details": "x"},
    ],
)
def test_what_can_not_be_asked_is_refused(crm, params):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor"})
    refused = crm.get(f"Leads/{lead}/__timeline", **params)
    assert (refused.status, refused.json["details"]["param_name"]) == (400, *params)


def test_a_record_that_is_not_there_has_no_timeline(kept_crm):
    unknown = kept_crm.get("Leads/5/__timeline")
    assert unknown.json["message"] == "the related id given seems to be invalid"
    assert unknown.json["details"] == {"resource_path_index": 1}


def test_a_refused_change_is_not_told(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor"})
    assert crm.put(f"Leads/{lead}", {"data": [{"Email": "no address"}]}).status == 400
    assert len(entries(crm, lead)) == 1


def test_filters_choose_entries(crm, clock):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor", "City": "Oslo"})
    clock.advance(60)
    for change in ({"City": "Rome"}, {"Phone": "1"}, {"City": "Kiel"}):
        crm.put(f"Leads/{lead}", {"data": [change]})
    at = entries(crm, lead)[0]["audited_time"]

    def shown(*conditions, operator="and", **params):
        group = [{"field": {"api_name": n}, "comparator": c, "value": v} for n, c, v in conditions]
        filters = json.dumps({"group_operator": operator, "group": group})
        answer = crm.get(f"Leads/{lead}/__timeline", filters=filters, **params)
        found = answer.json["__timeline"] if answer.body else []
        return [entry["action"] for entry in found]

    city = ("field_history", "equal", "City")
    assert shown(city) == ["updated"] * 2
    assert shown(city, per_page=1) == ["updated"]
    assert shown(city, ("action", "equal", "added"), operator="or") == ["updated", "updated", "added"]
    assert shown(("action", "not_in", ["updated"])) == ["added"]
    assert shown(("audited_time", "less_than", at)) == ["added"]
    assert shown(("audited_time", "between", [at, at]), city) == ["updated"] * 2
    assert shown(("source", "equal", "crm_ui")) == []
    user = entries(crm, lead)[0]["done_by"]["id"]
    assert len(shown(("done_by", "in", [user]))) == 4
    for wrong in (
        ("city", "equal", "x"),
        ("action", "between", ["a", "b"]),
        ("audited_time", "equal", "now"),
    ):
        filters = json.dumps({"field": {"api_name": wrong[0]}, "comparator": wrong[1], "value": wrong[2]})
        assert crm.get(f"Leads/{lead}/__timeline", filters=filters).json["code"] == "INVALID_DATA"
