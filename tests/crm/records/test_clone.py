"""Records that are made like others, and the whole texts of which lists show the beginning."""

import pytest


@pytest.mark.every_storage
def test_a_clone_has_the_values_and_the_rows(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Buoy", "Unit_Price": 10})
    line = {"Product_Name": {"id": product}, "Quantity": 3}
    values = {
        "Subject": "Buoys",
        "Valid_Till": "2026-05-01",
        "Quoted_Items": [line],
        "Tag": [{"name": "Sea"}],
    }
    (quote,) = crm.insert("Quotes", values)
    answer = crm.post(f"Quotes/{quote}/actions/clone", b"")
    assert (answer.status, answer.data[0]["message"]) == (201, "record added")
    (other,) = crm.post(f"Quotes/{quote}/actions/clone", {"data": [{"Subject": "More"}]}).data
    old, clone, changed = (
        crm.only(f"Quotes/{key}") for key in (quote, answer.data[0]["details"]["id"], other["details"]["id"])
    )
    assert changed["Subject"] == "More"
    for name in ("Valid_Till", "Tag", "Owner", "Grand_Total"):
        assert clone[name] == changed[name] == old[name]
    assert clone["Quote_Number"] != old["Quote_Number"]
    (row,), (copied,) = old["Quoted_Items"], clone["Quoted_Items"]
    assert (copied["Product_Name"], copied["Quantity"]) == (row["Product_Name"], 3) and copied["id"] != row[
        "id"
    ]


def test_unique_values_stay_with_their_record(make_organisation, caller_of):
    make_organisation("unique", unique=("Leads.Email",))
    caller = caller_of("unique")
    (lead,) = caller.insert("Leads", {"Last_Name": "A", "Email": "a@acme.example", "City": "Kiel"})
    clone = caller.post(f"Leads/{lead}/actions/clone", b"").data[0]["details"]["id"]
    shown = caller.only(f"Leads/{clone}")
    assert (shown["City"], shown["Email"]) == ("Kiel", None)
    refused = caller.post(f"Leads/{lead}/actions/clone", {"data": [{"Email": "A@acme.example"}]})
    assert (refused.status, refused.data[0]["code"]) == (400, "DUPLICATE_DATA")


def test_what_is_gone_is_not_copied(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "A"})
    (contact,) = crm.insert("Contacts", {"Last_Name": "B", "Account_Name": {"id": account}})
    crm.delete(f"Accounts/{account}")
    clone = crm.post(f"Contacts/{contact}/actions/clone", b"").data[0]["details"]["id"]
    assert crm.only(f"Contacts/{clone}")["Account_Name"] is None
    crm.delete(f"Contacts/{contact}")
    answer = crm.post(f"Contacts/{contact}/actions/clone", b"")
    assert (answer.status, answer.json["code"], answer.json["details"]) == (
        400, "INVALID_DATA", {"resource_path_index": 1},
    )  # fmt: skip


@pytest.mark.every_storage
def test_lists_show_the_beginning_of_a_rich_text_and_one_call_shows_all(crm):
    field = {"field_label": "Story", "data_type": "textarea", "textarea": {"type": "rich_text"}}
    assert crm.post("settings/fields", {"fields": [field]}, module="Leads").status == 201
    text = "ä" * 700
    (lead, other) = crm.insert("Leads", {"Last_Name": "A", "Story": text}, {"Last_Name": "B"})
    assert crm.get("Leads", fields="Story").data == [
        {"id": other, "Story": None},
        {"id": lead, "Story": text[:500]},
    ]
    assert crm.only(f"Leads/{lead}")["Story"] == text
    assert crm.get(f"Leads/{lead}/actions/fetch_full_data").data == [{"id": lead, "Story": text}]
    both = crm.get("Leads/actions/fetch_full_data", ids=f"{lead},{other}", fields="Story,Last_Name").data
    assert both == [{"id": other, "Story": None}, {"id": lead, "Story": text}]


def test_the_ids_of_full_data_are_needed_and_looked_at(crm):
    path = "Leads/actions/fetch_full_data"
    assert crm.get(path).json["details"] == {"param_name": "ids"}
    assert crm.get(path, ids="x").json["code"] == "INVALID_DATA"
    assert crm.get("Leads/x/actions/fetch_full_data").json["code"] == "INVALID_DATA"
    assert crm.get("Leads/12/actions/fetch_full_data").status == crm.get(path, ids="12").status == 204
