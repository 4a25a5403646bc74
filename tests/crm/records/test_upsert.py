import pytest


def test_the_systems_duplicate_field_decides_between_insert_and_update(crm):
    first = crm.post("Leads/upsert", {"data": [{"Last_Name": "A", "Email": "a@x.example"}]})
    assert first.status == 200
    assert (first.data[0]["action"], first.data[0]["duplicate_field"]) == ("insert", None)
    second = crm.post("Leads/upsert", {"data": [{"Last_Name": "B", "Email": "A@x.example"}]})
    assert (second.data[0]["action"], second.data[0]["duplicate_field"]) == ("update", "Email")
    assert second.data[0]["details"]["id"] == first.data[0]["details"]["id"]
    assert crm.get("Leads", fields="Last_Name").data[0]["Last_Name"] == "B"


def test_records_of_one_request_find_each_other(crm):
    records = [{"Account_Name": "Acme", "Phone": "1"}, {"Account_Name": "acme", "Phone": "2"}]
    answer = crm.post("Accounts/upsert", {"data": records})
    assert [one["action"] for one in answer.data] == ["insert", "update"]
    assert crm.get("Accounts", fields="Phone").data[0]["Phone"] == "2"


def test_mixed_outcomes_are_207(crm):
    answer = crm.post("Leads/upsert", {"data": [{"Last_Name": "A"}, {"Email": "b@x.example"}]})
    assert answer.status == 207
    assert answer.data[1]["code"] == "MANDATORY_NOT_FOUND"


def test_an_id_names_the_record(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "A"})
    answer = crm.post("Leads/upsert", {"data": [{"id": lead, "Last_Name": "B"}]})
    assert answer.data[0]["action"] == "update" and crm.only(f"Leads/{lead}")["Last_Name"] == "B"


@pytest.mark.parametrize("names", [["Company"], "Email", ["Nothing"], [5], [["Email"]], [{}]])
def test_fields_that_are_not_unique_are_refused(crm, names):
    answer = crm.post("Leads/upsert", {"data": [{"Last_Name": "A"}], "duplicate_check_fields": names})
    assert answer.status == 400 and answer.json["code"] == "INVALID_DATA"
