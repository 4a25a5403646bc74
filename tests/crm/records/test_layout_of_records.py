"""A record has a layout, which is shown and may be named; and phones have the signs that Zoho takes."""

import pytest


@pytest.mark.every_storage
def test_a_record_shows_its_layout_and_takes_no_other(crm):
    layout = crm.get("settings/layouts", module="Leads").json["layouts"][0]
    (lead,) = crm.insert("Leads", {"Last_Name": "A", "Layout": {"id": layout["id"]}})
    shown = {"name": layout["name"], "id": layout["id"]}
    assert crm.only(f"Leads/{lead}")["Layout"] == shown
    assert crm.get("Leads", fields="Layout").data == [{"id": lead, "Layout": shown}]
    answer = crm.put(f"Leads/{lead}", {"data": [{"Layout": {"id": "12"}}]})
    assert (answer.status, answer.data[0]["code"], answer.data[0]["details"]) == (
        400, "INVALID_DATA", {"api_name": "Layout", "json_path": "$.data[0].Layout.id"},
    )  # fmt: skip


def test_phones_have_these_signs_alone(crm):
    assert (
        crm.post("Leads", {"data": [{"Last_Name": "A", "Phone": "+49 (0)30.12-3,4;5 ext#6"}]}).status == 201
    )
    for phone in ("030/123", "030_123", "030*", "٠٣٠", "030\t1"):
        answer = crm.post("Leads", {"data": [{"Last_Name": "A", "Phone": phone}]})
        assert (answer.status, answer.data[0]["details"]["expected_data_type"]) == (400, "phone")
