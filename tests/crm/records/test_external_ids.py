"""The ids of other programs, sent with X-EXTERNAL in the place of the CRM's own."""

import pytest

CONTACTS = {"X-EXTERNAL": "Contacts.Erp_Id"}
INVALID = "The value of the external field is invalid."
WRONG_LOOKUP = "The external ID of the lookup field or the Price Book is incorrect"


def make_field(crm, module, external=None, **more):
    spec = {"field_label": "Erp Id", "data_type": "text", "external": external or {"type": "org"}, **more}
    return crm.post("settings/fields", {"fields": [spec]}, module=module)


@pytest.fixture
def ids(crm):
    """The ids of a contact called c1 and of an account called a1 elsewhere."""
    for module in ("Contacts", "Accounts"):
        assert make_field(crm, module).status == 201
    (contact,) = crm.insert("Contacts", {"Last_Name": "Gill", "Erp_Id": "c1"})
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme", "Erp_Id": "a1"})
    return {"c1": contact, "a1": account}


def outcome(answer):
    (element,) = answer.data
    return element["code"], element["message"], element["details"]


def test_a_field_is_made_external_and_stays_so(crm):
    made = make_field(crm, "Contacts", {"type": "org", "show": False})
    identity = made.json["fields"][0]["details"]["id"]
    (field,) = crm.get(f"settings/fields/{identity}", module="Contacts").json["fields"]
    assert field["external"] == {"type": "org", "show": False}
    changed = crm.call(
        "PATCH",
        f"settings/fields/{identity}",
        {"module": "Contacts"},
        {"fields": [{"external": {"type": "org", "show": True}}]},
    )
    assert changed.json["fields"][0]["code"] == "NOT_ALLOWED"
    refused = [
        make_field(crm, "Leads", {"type": "team"}),
        make_field(crm, "Leads", {"show": True}),
        make_field(crm, "Leads", data_type="email"),
    ]
    codes = [answer.json["fields"][0]["code"] for answer in refused]
    assert codes == ["INVALID_DATA", "MANDATORY_NOT_FOUND", "NOT_SUPPORTED"]


def test_two_records_have_no_external_id_together(crm, ids):
    again = crm.post("Contacts", {"data": [{"Last_Name": "Other", "Erp_Id": "C1"}]})
    code, message, details = outcome(again)
    assert (code, message) == ("DUPLICATE_DATA", "The external field contains duplicate data.")
    assert (details["api_name"], details["duplicate_record"]["id"]) == ("Erp_Id", ids["c1"])
    upserted = crm.post("Contacts/upsert", {"data": [{"Last_Name": "Gill", "Erp_Id": "c1"}]})
    assert upserted.data[0]["duplicate_field"] == "Erp_Id"


@pytest.mark.every_storage
def test_a_path_names_a_record_by_its_external_id(crm, ids):
    assert crm.get("Contacts/c1", headers=CONTACTS, fields="Last_Name").data[0]["id"] == ids["c1"]
    assert crm.get("Contacts/c2", headers=CONTACTS, fields="Last_Name").status == 204
    assert crm.get("Contacts", headers=CONTACTS, fields="id", ids="c1,c2").data == [{"id": ids["c1"]}]
    changed = crm.put("Contacts/c1", {"data": [{"Phone": "1"}]}, headers=CONTACTS)
    assert outcome(changed)[2]["Erp_Id"] == "c1" and outcome(changed)[2]["id"] == ids["c1"]
    unknown = crm.put("Contacts/c2", {"data": [{"Phone": "1"}]}, headers=CONTACTS)
    assert (unknown.status, unknown.json["message"]) == (400, INVALID)
    assert unknown.json["details"] == {"External": "Contacts.Erp_Id", "resource_path_index": 1}
    for header in ("Contacts.Last_Name", "Contacts", "Nothing.Erp_Id", "Contacts.Phone.Erp_Id", "Contacts.."):
        assert crm.get("Contacts/c1", headers={"X-EXTERNAL": header}).json["message"] == INVALID
    noted = crm.call(
        "POST", "Contacts/c1/Notes", None, {"data": [{"Note_Content": "hello"}]}, headers=CONTACTS
    )
    assert noted.status == 201
    assert crm.get(f"Contacts/{ids['c1']}/Notes", fields="Note_Content").data[0]["Note_Content"] == "hello"
    deleted = crm.call("DELETE", "Contacts", {"ids": "c1,c9"}, headers=CONTACTS)
    assert [(each["code"], each["details"]) for each in deleted.data] == [
        ("SUCCESS", {"id": ids["c1"], "Erp_Id": "c1"}),
        ("INVALID_DATA", {"id": "c9"}),
    ]


def test_a_body_names_records_by_their_external_ids(crm, ids):
    lookup = "Contacts.Account_Name.Erp_Id"
    rows = [
        {"Erp_Id": "c1", "Account_Name": {"Erp_Id": "a1"}},
        {"Erp_Id": "c1", "Account_Name": {"Erp_Id": "a2"}},
        {"Erp_Id": "c2", "Last_Name": "Nobody"},
    ]
    headers = {"X-EXTERNAL": f"Contacts.Erp_Id, {lookup}"}
    first, second, third = crm.put("Contacts", {"data": rows}, headers=headers).data
    assert first["code"] == "SUCCESS" and first["details"]["Erp_Id"] == "c1"
    assert (second["message"], second["details"]["json_path"]) == (WRONG_LOOKUP, "$.data[1].Account_Name")
    place = {"External": "Contacts.Erp_Id", "api_name": "Erp_Id", "json_path": "$.data[2].Erp_Id"}
    assert (third["message"], third["details"]) == (INVALID, place)
    assert crm.only(f"Contacts/{ids['c1']}")["Account_Name"]["id"] == ids["a1"]
    new = {"Subject": "Call", "What_Id": {"Erp_Id": "a1"}, "$se_module": "Accounts"}
    made = crm.call(
        "POST", "Tasks", None, {"data": [new]}, headers={"X-EXTERNAL": "Tasks.What_Id->Accounts.Erp_Id"}
    )
    assert crm.only(f"Tasks/{outcome(made)[2]['id']}")["What_Id"]["id"] == ids["a1"]
    owner = {"ids": ["c1"], "owner": {"id": crm.get("users", type="CurrentUser").json["users"][0]["id"]}}
    changed = crm.call("POST", "Contacts/actions/change_owner", None, owner, headers=CONTACTS)
    assert outcome(changed)[2]["Erp_Id"] == "c1"


def test_lists_relate_records_by_their_external_ids(crm, ids):
    (campaign,) = crm.insert("Campaigns", {"Campaign_Name": "Spring"})
    path = f"Campaigns/{campaign}/Contacts"
    related = crm.put(path, {"data": [{"Erp_Id": "c1", "Member_Status": "Asked"}]}, headers=CONTACTS)
    assert outcome(related) == ("SUCCESS", "relation added", {"id": ids["c1"], "Erp_Id": "c1"})
    assert crm.get(f"{path}/c1", headers=CONTACTS).data[0]["Member_Status"] == "Asked"
    (line,) = crm.insert("Products", {"Product_Name": "Box", "Unit_Price": 2})
    quote = {"Subject": "Boxes", "Quoted_Items": [{"Product_Name": {"id": line}, "Quantity": 1}]}
    assert crm.post("Quotes", {"data": [quote]}).status == 201
    assert crm.call("DELETE", f"{path}/c1", headers=CONTACTS).data[0]["message"] == "relation removed"
    assert crm.get(path, fields="id").status == 204


def test_external_ids_of_lines_lead_to_products(crm):
    assert make_field(crm, "Products").status == 201
    crm.insert("Products", {"Product_Name": "Box", "Unit_Price": 2, "Erp_Id": "p1"})
    quote = {"Subject": "Boxes", "Quoted_Items": [{"Product_Name": {"Erp_Id": "p1"}, "Quantity": 3}]}
    headers = {"X-EXTERNAL": "Quotes.Quoted_Items.Product_Name.Erp_Id"}
    made = crm.call("POST", "Quotes", None, {"data": [quote]}, headers=headers)
    assert made.status == 201, made.body


def test_nobody_finds_records_of_another_organisation(crm, ids, stranger):
    assert stranger.get("Contacts/c1", headers=CONTACTS).json["message"] == INVALID
    make_field(stranger, "Contacts")
    assert stranger.get("Contacts/c1", headers=CONTACTS).status == 204


def test_older_versions_take_external_ids(crm, ids):
    answer = crm.call("GET", "/crm/v2/Contacts/c1", headers=CONTACTS)
    assert answer.data[0]["id"] == ids["c1"]
