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
    assert [outcome["action"] for outcome in answer.data] == ["insert", "update"]
    assert crm.get("Accounts", fields="Phone").data[0]["Phone"] == "2"


def test_mixed_outcomes_are_207(crm):
    answer = crm.post("Leads/upsert", {"data": [{"Last_Name": "A"}, {"Email": "b@x.example"}]})
    assert answer.status == 207
    assert answer.data[1]["code"] == "MANDATORY_NOT_FOUND"


def test_an_id_names_the_record(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "A"})
    answer = crm.post("Leads/upsert", {"data": [{"id": lead, "Last_Name": "B"}]})
    assert answer.data[0]["action"] == "update" and crm.only(f"Leads/{lead}")["Last_Name"] == "B"


def upserted(crm, *records, **beside):
    answer = crm.post("Leads/upsert", {"data": list(records), **beside})
    assert answer.status == 200, answer.body
    return [(outcome["action"], outcome["duplicate_field"]) for outcome in answer.data]


@pytest.mark.parametrize(
    "names", [["Phone"], ["Nothing"], "Phone", ["Phone", "Company", "Phone"], [""], ["Owner"]]
)
def test_named_fields_that_are_not_unique_are_not_checked_nor_is_the_systems(crm, names):
    record = {"Last_Name": "A", "Phone": "+1 555 8764090", "Email": "a@x.example"}
    for _ in range(2):
        assert upserted(crm, record, duplicate_check_fields=names) == [("insert", None)]


@pytest.mark.parametrize("names", [["Phone", "Email"], ["Email", "Phone"], "Email", [], None])
def test_the_checked_ones_among_the_named_decide(crm, names):
    record = {"Last_Name": "A", "Phone": "5550100", "Email": "a@x.example"}
    assert upserted(crm, record, duplicate_check_fields=names) == [("insert", None)]
    assert upserted(crm, record | {"Phone": "5550199"}, duplicate_check_fields=names) == [("update", "Email")]
    assert upserted(crm, record | {"Email": "b@x.example"}, duplicate_check_fields=names) == [
        ("insert", None)
    ]


def test_unique_fields_are_checked_after_the_named_ones_in_any_case(make_organisation, caller_of):
    make_organisation("unique", unique=("Leads.Phone",))
    crm = caller_of("unique")
    record = {"Last_Name": "A", "Phone": "5550100", "Email": "a@x.example"}
    assert upserted(crm, record) == [("insert", None)]
    assert upserted(crm, record, duplicate_check_fields=["Company"]) == [("update", "Phone")]
    assert upserted(crm, record, duplicate_check_fields=["Phone", "Email"]) == [("update", "Phone")]
    assert upserted(crm, record, duplicate_check_fields=["Email"]) == [("update", "Email")]


@pytest.mark.parametrize("names", [[5], [["Email"]], [{}], {"Email": True}, 5, True, ["Email"] * 101])
def test_what_can_be_no_list_of_names_is_refused(kept_crm, names):
    answer = kept_crm.post("Leads/upsert", {"data": [{"Last_Name": "A"}], "duplicate_check_fields": names})
    assert answer.status == 400 and answer.json["code"] == "INVALID_DATA"
    assert answer.json["details"]["api_name"] == "duplicate_check_fields"
