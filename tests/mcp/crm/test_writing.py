"""The tools that write, before the sample records."""

import pytest

from moorage.mcp.errors import ToolFailed


def statuses(data):
    return [row["status"] for row in data["rows"]]


def test_records_are_created_updated_and_upserted(tools, demo):
    made = tools(
        "write_records", module="Leads", mode="create", records=[{"Last_Name": "A"}, {"Last_Name": "B"}]
    )
    ids = [row["id"] for row in made["rows"]]
    assert statuses(made) == ["created", "created"]
    changed = tools("write_records", module="Leads", mode="update", records=[{"id": ids[0], "City": "Rome"}])
    assert changed["rows"] == [{"index": 0, "status": "updated", "id": ids[0]}]
    assert demo.only(f"Leads/{ids[0]}")["City"] == "Rome"
    records = [{"Last_Name": "C", "Email": "c@acme.example"}]
    for status in ["created", "updated"]:
        data = tools("write_records", module="Leads", mode="upsert", records=records, match_on=["Email"])
        assert statuses(data) == [status]


def test_a_refused_record_does_not_hide_those_that_were_written(tools):
    data = tools(
        "write_records",
        module="Leads",
        mode="create",
        records=[{"Last_Name": "A"}, {"City": "Rome"}, {"Last_Name": "B", "Email": "no address"}],
    )
    assert statuses(data) == ["created", "refused", "refused"]
    assert data["rows"][1]["error"] == {
        "code": "MANDATORY_NOT_FOUND",
        "field": "Last_Name",
        "fix": "Give it a value.",
    }
    assert data["rows"][2]["error"]["field"] == "Email"
    assert "1 of 3" in tools.told.sentence
    data = tools("write_records", module="Leads", mode="create", records=[{"City": "Rome"}])
    assert statuses(data) == ["refused"]


def test_a_text_for_a_number_is_written_as_a_number(tools, demo):
    lead = {"Last_Name": "A", "Annual_Revenue": "1200.5", "Email_Opt_Out": "true", "No_of_Employees": "5"}
    data = tools("write_records", module="Leads", mode="create", records=[lead])
    record = demo.only(f"Leads/{data['rows'][0]['id']}")
    assert (record["Annual_Revenue"], record["Email_Opt_Out"], record["No_of_Employees"]) == (1200.5, True, 5)


def test_a_name_that_no_field_has_stops_everything(tools, demo):
    before = demo.get("Leads/actions/count").json
    records = [{"Last_Name": "A"}, {"Last_Name": "B", "Compny": "Acme"}]
    data = tools("write_records", module="Leads", mode="create", records=records)
    assert statuses(data) == ["not_sent", "refused"]
    assert "Did you mean Company?" in data["rows"][1]["error"]["fix"]
    assert demo.get("Leads/actions/count").json == before


def test_a_field_that_was_made_just_now_is_known(tools, demo):
    tools("write_records", module="Leads", mode="create", records=[{"Last_Name": "A"}])
    demo.post(
        "settings/fields", {"fields": [{"field_label": "Height", "data_type": "integer"}]}, module="Leads"
    )
    data = tools("write_records", module="Leads", mode="create", records=[{"Last_Name": "A", "Height": 5}])
    assert statuses(data) == ["created"]


def test_a_dry_run_writes_nothing_and_says_what_it_cant_know(tools, demo):
    before = demo.get("Leads/actions/count").json
    calls = tools.calls(
        "write_records",
        module="Leads",
        mode="create",
        records=[{"Last_Name": "A"}, {"City": "Rome"}, {"Last_Name": "B", "Compny": "x"}],
        dry_run=True,
    )
    assert statuses(tools.data) == ["valid", "invalid", "invalid"]
    assert "Nothing was written." in tools.data["note"]
    assert "duplicates" in tools.data["note"]
    assert {method for method, _ in calls} == {"GET"}
    assert demo.get("Leads/actions/count").json == before


@pytest.mark.parametrize(
    "module", ["Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Products", "Quotes"]
)
def test_what_is_in_an_account_can_be_written_to_it(tools, demo, module):
    ids = ",".join(record["id"] for record in demo.get(module, fields="id", per_page=3).data)
    fields = demo.get("settings/fields", module=module).json["fields"]
    writable = [
        field["api_name"]
        for field in fields
        if field["operation_type"]["api_update"] and not field["read_only"]
    ]
    records = [
        {name: value for name, value in demo.only(f"{module}/{id_}").items() if name in {*writable, "id"}}
        for id_ in ids.split(",")
    ]
    data = tools("write_records", module=module, mode="update", records=records, dry_run=True)
    assert [row.get("error") for row in data["rows"]] == [None] * len(records)
    data = tools("write_records", module=module, mode="update", records=records)
    assert statuses(data) == ["updated"] * len(records)


def test_without_metadata_records_are_written_as_they_are(tools):
    refusal = (403, {"code": "NO_PERMISSION", "message": "permission denied", "details": {}})
    tools.door.answers = [refusal]
    data = tools("write_records", module="Leads", mode="create", records=[{"Last_Name": "A"}])
    assert statuses(data) == ["created"]
    tools.memory.keep(("key", None, "fields", "Leads"), None)
    tools.door.answers = [refusal]
    data = tools("write_records", module="Leads", mode="create", records=[{"Last_Name": "A"}], dry_run=True)
    assert data["rows"] == []
    assert "nothing could be checked" in data["note"]


def test_an_idempotency_key_goes_along_and_cant_end_its_header(tools):
    asked = {"module": "Leads", "mode": "create", "records": [{"Last_Name": "A"}]}
    tools("write_records", **asked, idempotency_key="order-17")
    assert tools.door.headers[b"Idempotency-Key"] == b"order-17"
    for key in ["a\r\nX-Evil: 1", "a\n", "a b", "é"]:
        with pytest.raises(ToolFailed, match="visible characters"):
            tools("write_records", **asked, idempotency_key=key)


def test_match_on_is_for_upserts(tools):
    with pytest.raises(ToolFailed, match="mode upsert"):
        tools(
            "write_records", module="Leads", mode="create", records=[{"Last_Name": "A"}], match_on=["Email"]
        )


def test_deleted_records_are_told_one_by_one(tools, demo):
    (lead,) = demo.insert("Leads", {"Last_Name": "A"})
    data = tools("delete_records", module="Leads", ids=[lead, "1"])
    assert (data["rows"][0]["id"], data["rows"][0]["status"]) == (lead, "deleted")
    assert data["rows"][1]["status"] == "refused"
    assert statuses(tools("delete_records", module="Leads", ids=["1"])) == ["refused"]


def test_a_lead_becomes_a_contact_an_account_and_a_deal(tools, demo):
    (lead,) = demo.insert(
        "Leads", {"Last_Name": "Gill", "Company": "Harbour", "Email": "gill@harbour.example"}
    )
    deal = {"Deal_Name": "A pilot", "Closing_Date": "2026-12-01", "Stage": "Qualification"}
    made = tools("convert_lead", id=lead, deal=deal)
    assert demo.only(f"Contacts/{made['contact']}")["Last_Name"] == "Gill"
    assert demo.only(f"Accounts/{made['account']}")["Account_Name"] == "Harbour"
    assert demo.only(f"Deals/{made['deal']}")["Deal_Name"] == "A pilot"
    (twin,) = demo.insert(
        "Leads", {"Last_Name": "Gill", "Company": "Harbour", "Email": "gill@harbour.example"}
    )
    with pytest.raises(ToolFailed) as failed:
        tools("convert_lead", id=twin)
    assert "add_to_existing" in failed.value.step
    assert tools("convert_lead", id=twin, add_to_existing=True)["contact"] == made["contact"]
    with pytest.raises(ToolFailed):
        tools("convert_lead", id="1")


def test_a_note_is_added(tools, demo):
    (lead,) = demo.insert("Leads", {"Last_Name": "A"})
    made = tools("add_note", module="Leads", id=lead, title="Tide", text="High at 4")
    (note,) = demo.get(f"Leads/{lead}/Notes", fields="Note_Title,Note_Content").data
    assert (note["id"], note["Note_Title"], note["Note_Content"]) == (made["id"], "Tide", "High at 4")
    with pytest.raises(ToolFailed, match="id given") as failed:
        tools("add_note", module="Leads", id="1", text="x")
    assert "search_records" in failed.value.step
