"""A lead becomes a contact, an account and a deal, all of it or nothing."""

import pytest

from tests.crm.uploads import upload

LEAD = {
    "Salutation": "Ms.", "First_Name": "Ada", "Last_Name": "Byron", "Company": "Analytical Ltd",
    "Email": "ada@analytical.example", "Phone": "+44 20 1", "City": "London", "Lead_Source": "Web Research",
    "Annual_Revenue": 12.5, "Email_Opt_Out": True, "Tag": [{"name": "Hot"}, {"name": "Fair"}],
}  # fmt: skip
DEAL = {"Deal_Name": "Engine", "Closing_Date": "2026-03-01", "Stage": "Qualification", "Amount": 90}
CONVERT = "Leads/{}/actions/convert"
PLACE = {"resource_path_index": 1}


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", LEAD)[0]


@pytest.fixture
def convert(crm):
    """Convert a lead; gives the only element of the answer, and checks its status."""

    def run(lead, status=200, caller=crm, **request):
        answer = caller.post(CONVERT.format(lead), {"data": [request]})
        assert answer.status == status, answer.body
        return answer.data[0]

    return run


def became(outcome):
    return {name: part and part["id"] for name, part in outcome["details"].items()}


@pytest.mark.every_storage
def test_its_values_go_where_the_mapping_says(crm, lead, convert):
    outcome = convert(lead, Deals=DEAL)
    assert (outcome["code"], outcome["message"]) == (
        "SUCCESS", "The record has been converted successfully",
    )  # fmt: skip
    parts = outcome["details"]
    assert {name: part["name"] for name, part in parts.items()} == {
        "Contacts": "Ms. Ada Byron", "Deals": "Engine", "Accounts": "Analytical Ltd",
    }  # fmt: skip
    contact, account, deal = (crm.only(f"{n}/{parts[n]['id']}") for n in ("Contacts", "Accounts", "Deals"))
    assert [contact[n] for n in ("Email", "Phone", "Mailing_City", "Lead_Source", "Email_Opt_Out", "Tag")] == [
        LEAD["Email"], LEAD["Phone"], "London", "Web Research", True, [],
    ]  # fmt: skip
    assert contact["Account_Name"] == parts["Accounts"]
    assert (account["Billing_City"], account["Annual_Revenue"]) == ("London", 12.5)
    assert (deal["Lead_Source"], deal["Amount"], deal["Account_Name"], deal["Contact_Name"]) == (
        "Web Research", 90, parts["Accounts"], parts["Contacts"],
    )  # fmt: skip
    assert deal["Lead_Conversion_Time"] == 0


@pytest.mark.every_storage
def test_the_lead_says_what_it_became_and_leaves_the_lists(crm, lead, convert, clock, caller_of):
    clock.advance(3 * 86_400)
    crm.token = caller_of("acme").token  # The old one has ended.
    parts = became(convert(lead, Deals=DEAL))
    shown = crm.only(f"Leads/{lead}")
    assert shown["Converted__s"] is True and shown["Lead_Conversion_Time"] == 3
    assert shown["Converted_Contact"] == {"name": "Ms. Ada Byron", "id": parts["Contacts"]}
    assert shown["$converted_detail"] == {
        "account": parts["Accounts"], "contact": parts["Contacts"], "deal": parts["Deals"],
        "convert_date": shown["Converted_Date_Time"], "converted_by": shown["Modified_By"]["id"],
    }  # fmt: skip
    assert crm.get("Leads", fields="Last_Name").status == 204
    for converted in ("true", "both"):
        (listed,) = crm.get("Leads", fields="$converted", converted=converted).data
        assert listed == {"id": lead, "$converted": True}
    assert crm.get("Leads/search", word="Byron").status == 204


def test_a_converted_lead_is_only_read(crm, lead, convert):
    convert(lead)
    details = {"id": lead}
    for answer in (
        crm.put(f"Leads/{lead}", {"data": [{"City": "Paris"}]}),
        crm.put("Leads", {"data": [{"id": lead, "City": "Paris"}]}),
        crm.post("Leads/upsert", {"data": [{"Last_Name": "New", "Email": LEAD["Email"]}]}),
    ):
        assert answer.status == 400
        assert (answer.data[0]["code"], answer.data[0]["message"], answer.data[0]["details"]) == (
            "CONVERTED_RECORD", "can't update the converted record", details,
        )  # fmt: skip
    again = crm.post(CONVERT.format(lead), {"data": [{}]})
    assert (again.status, again.json["code"], again.json["message"], again.json["details"]) == (
        400, "ID_ALREADY_CONVERTED", "id already converted", PLACE,
    )  # fmt: skip


@pytest.mark.parametrize("key", ["1", "999"])
def test_an_id_of_no_lead_is_named_by_its_place(kept_crm, key):
    answer = kept_crm.post(CONVERT.format(key), {"data": [{}]})
    assert (answer.status, answer.json["code"], answer.json["details"]) == (400, "INVALID_DATA", PLACE)


def test_without_a_company_there_is_no_account(crm, convert):
    (lead,) = crm.insert("Leads", {"Last_Name": "Alone"})
    assert became(convert(lead)) | {"Contacts": ""} == {"Contacts": "", "Deals": None, "Accounts": None}
    assert crm.get("Accounts", fields="id").status == 204


@pytest.mark.parametrize(
    ("module", "record", "field"),
    [
        ("Contacts", {"Last_Name": "Other", "Email": LEAD["Email"].upper()}, "Email"),
        ("Accounts", {"Account_Name": "analytical LTD"}, "Account_Name"),
    ],
)
def test_a_match_is_a_duplicate_unless_the_lead_may_be_added_to_it(crm, lead, convert, module, record, field):
    (there,) = crm.insert(module, record)
    outcome = convert(lead, 400)
    assert outcome["code"] == "DUPLICATE_DATA"
    assert outcome["details"]["json_path"] == f"$.data[0].{module}.{field}"
    assert outcome["details"]["duplicate_record"]["id"] == there
    assert crm.only(f"Leads/{lead}")["Converted__s"] is False
    assert became(convert(lead, add_to_existing_record=True))[module] == there


def test_a_name_matches_only_without_an_email(crm, convert):
    lead, other = crm.insert(
        "Leads", {"Last_Name": "Smith"}, {"Last_Name": "Smith", "Email": "s@acme.example"}
    )
    (contact,) = crm.insert("Contacts", {"Last_Name": "Smith"})
    assert convert(lead, 400)["details"]["duplicate_record"]["id"] == contact
    assert became(convert(other))["Contacts"] != contact


def test_records_that_are_named_keep_their_values_unless_told(crm, lead, convert):
    contact, old = crm.insert("Contacts", {"Last_Name": "Old", "Phone": "1"}, {"Last_Name": "Older"})
    (account,) = crm.insert("Accounts", {"Account_Name": "Old Ltd"})
    (other,) = crm.insert("Leads", {"Last_Name": "New", "Phone": "2"})
    parts = became(convert(other, Contacts={"id": contact}, Accounts={"id": account}))
    assert parts == {"Contacts": contact, "Accounts": account, "Deals": None}
    shown = crm.only(f"Contacts/{contact}")
    assert (shown["Last_Name"], shown["Phone"], shown["Account_Name"]["id"]) == ("Old", "1", account)
    parts = became(convert(lead, Contacts=old, Accounts=account, overwrite=True))  # As v2 writes ids.
    assert crm.only(f"Contacts/{old}")["Last_Name"] == "Byron"
    assert crm.only(f"Accounts/{account}")["Account_Name"] == LEAD["Company"]


def test_a_contact_brings_its_account_along(crm, lead, convert):
    (account,) = crm.insert("Accounts", {"Account_Name": "Theirs"})
    (contact,) = crm.insert("Contacts", {"Last_Name": "Old", "Account_Name": {"id": account}})
    assert became(convert(lead, Contacts={"id": contact}))["Accounts"] == account


def test_unique_fields_decide_alone(make_organisation, caller_of, convert):
    make_organisation("unique", unique=("Contacts.Email",))
    caller = caller_of("unique")
    lead, twin = caller.insert("Leads", LEAD, {"Last_Name": "Byron", "First_Name": "Ada"})
    one, two = caller.insert("Contacts", {"Last_Name": "A", "Email": LEAD["Email"]}, {"Last_Name": "B"})
    wrong = convert(lead, 400, caller, Contacts={"id": two})
    assert wrong["message"] == "give contact id is mismatched with the data"
    assert wrong["details"] == {"api_name": "id", "json_path": "$.data[0].Contacts.id"}
    assert became(convert(lead, 200, caller, Contacts={"id": one}))["Contacts"] == one
    assert became(convert(twin, 200, caller))["Contacts"] != one


def test_the_new_records_get_an_owner(crm, lead, convert, make_organisation, caller_of):
    users = crm.get("users", type="ActiveUsers").json["users"]
    parts = became(convert(lead, assign_to={"id": users[1]["id"]}, Deals=DEAL))
    for name, record in parts.items():
        assert crm.only(f"{name}/{record}")["Owner"]["id"] == users[1]["id"]


def test_tags_are_carried_over(crm, lead, convert):
    (account,) = crm.insert("Accounts", {"Account_Name": "Old", "Tag": [{"name": "Kept"}]})
    wrong = convert(lead, 400, carry_over_tags={"Contacts": ["Hot", "Unknown"]})
    assert wrong["details"]["json_path"] == "$.data[0].carry_over_tags.Contacts[1]"
    parts = became(
        convert(
            lead,
            Accounts={"id": account},
            carry_over_tags={"Contacts": ["Hot"], "Accounts": [{"name": "Fair"}]},
        )
    )
    tags = {
        name: [tag["name"] for tag in crm.only(f"{name}/{parts[name]}")["Tag"]]
        for name in ("Contacts", "Accounts")
    }
    assert tags == {"Contacts": ["Hot"], "Accounts": ["Kept", "Fair"]}


@pytest.mark.every_storage
def test_notes_and_activities_go_on_with_what_it_became(crm, lead, convert):
    other = crm.insert("Leads", {"Last_Name": "Stays"})[0]
    note, elsewhere = (
        crm.insert("Notes", {"Parent_Id": {"module": "Leads", "id": of}, "Note_Content": "Hm"})[0]
        for of in (lead, other)
    )
    (task,) = crm.insert("Tasks", {"Subject": "Call", "$se_module": "Leads", "What_Id": lead})
    upload(crm, f"Leads/{lead}/Attachments")
    parts = became(convert(lead, Deals=DEAL, move_attachments_to={"api_name": "Accounts"}))
    shown = crm.only(f"Notes/{note}")
    assert (shown["Parent_Id"]["id"], shown["$se_module"]) == (parts["Accounts"], "Accounts")
    assert crm.only(f"Notes/{elsewhere}")["Parent_Id"]["id"] == other
    assert crm.only(f"Accounts/{parts['Accounts']}/Attachments", fields="File_Name")["File_Name"] == "a.txt"
    shown = crm.only(f"Tasks/{task}")
    assert (shown["What_Id"]["id"], shown["$se_module"], shown["Who_Id"]["id"]) == (
        parts["Deals"], "Deals", parts["Contacts"],
    )  # fmt: skip


def test_the_contact_gets_its_role_in_the_deal(crm, lead, convert):
    role = crm.get("Contacts/roles").json["contact_roles"][1]
    wrong = convert(lead, 400, Deals=DEAL | {"Contact_Role": "12"})
    assert wrong["details"]["json_path"] == "$.data[0].Deals.Contact_Role"
    parts = became(convert(lead, Deals=DEAL | {"Contact_Role": role["id"]}))
    (contact,) = crm.get(f"Deals/{parts['Deals']}/Contact_Roles", fields="Last_Name,Contact_Role").data
    assert (contact["id"], contact["Contact_Role"]["name"]) == (parts["Contacts"], role["name"])


@pytest.mark.parametrize(
    ("request_body", "code", "path"),
    [
        ({"Deals": {"Deal_Name": "A", "Stage": "B"}}, "MANDATORY_NOT_FOUND", "Deals.Closing_Date"),
        (
            {"Deals": DEAL | {"Pipeline": "Standard (Standard)", "Stage": "No"}},
            "MAPPING_MISMATCH",
            "Deals.Stage",
        ),
        ({"Deals": DEAL | {"Amount": "much"}}, "INVALID_DATA", "Deals.Amount"),
        ({"Deals": []}, "INVALID_DATA", "Deals"),
        ({"Accounts": {"id": "12"}}, "INVALID_DATA", "Accounts.id"),
        ({"Contacts": "x"}, "INVALID_DATA", "Contacts"),
        ({"Contacts": {"Email": {"a": 1}}}, "INVALID_DATA", "Contacts.Email"),
        ({"Accounts": {"Account_Name": [10**30]}}, "INVALID_DATA", "Accounts.Account_Name"),
        ({"assign_to": {"id": "12"}}, "INVALID_DATA", "assign_to.id"),
        ({"assign_to": {"name": "x"}}, "MANDATORY_NOT_FOUND", "assign_to.id"),
        ({"overwrite": "yes"}, "INVALID_DATA", "overwrite"),
        ({"move_attachments_to": {"api_name": "Deals"}}, "INVALID_DATA", "move_attachments_to.api_name"),
        ({"carry_over_tags": {"Deals": "Hot"}}, "INVALID_DATA", "carry_over_tags.Deals"),
    ],
)
def test_a_refusal_names_the_place_and_nothing_is_written(crm, lead, convert, request_body, code, path):
    outcome = convert(lead, 400, **request_body)
    assert (outcome["code"], outcome["details"]["json_path"]) == (code, f"$.data[0].{path}")
    for module in ("Contacts", "Accounts", "Deals"):
        assert crm.get(module, fields="id").status == 204
    assert crm.only(f"Leads/{lead}")["Converted__s"] is False


def test_it_needs_the_scopes_of_what_it_makes(crm, lead, caller_of):
    parts = [f"ZohoCRM.modules.{name}" for name in ("leads.UPDATE", "contacts.CREATE", "accounts.CREATE")]
    for missing in parts:
        caller = caller_of("acme", ",".join(part for part in parts if part != missing))
        assert caller.post(CONVERT.format(lead), {"data": [{}]}).status == 401
    caller = caller_of("acme", ",".join(parts))
    assert caller.post(CONVERT.format(lead), {"data": [{"Deals": DEAL}]}).status == 401
    assert caller.post(CONVERT.format(lead), {"data": [{}]}).status == 200


def test_what_a_lead_matches_is_not_told_without_the_scope(crm, lead, caller_of):
    crm.insert("Contacts", {"Last_Name": "A", "Email": crm.only(f"Leads/{lead}")["Email"]})
    answer = caller_of("acme", "ZohoCRM.modules.leads.UPDATE").post(CONVERT.format(lead), {"data": [{}]})
    assert (answer.status, answer.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_other_modules_are_not_converted(crm):
    (contact,) = crm.insert("Contacts", {"Last_Name": "A"})
    answer = crm.post(f"Contacts/{contact}/actions/convert", {"data": [{}]})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_MODULE")


def test_up_to_v5_there_are_only_ids(crm):
    leads = crm.insert("Leads", *({"Last_Name": name, "Company": name} for name in ("A", "B")))
    for lead, version in zip(leads, ("v5", "v6"), strict=True):
        answer = crm.call("POST", f"/crm/{version}/leads/{lead}/actions/convert", body={"data": [{}]})
        details = answer.data[0]["details"]
        assert details["Deals"] is None
        assert {type(details[name]) for name in ("Contacts", "Accounts")} == {
            str if version == "v5" else dict
        }


def test_fields_of_ones_own_go_where_their_mapping_says(crm, convert):
    def make(module, name, length, **more):
        field = {"field_label": name, "data_type": "text", "length": length, **more}
        answer = crm.post("settings/fields", {"fields": [field]}, module=module)
        return answer.json["fields"][0]

    assert make("Contacts", "Hobby", 50)["code"] == "SUCCESS"
    for target, length, code in (("Hobby", 60, "MAPPING_MISMATCH"), ("None", 5, "INVALID_DATA")):
        refused = make("Leads", "Hobby", length, convert_mapping={"Contacts": target})
        assert (refused["code"], refused["details"]["json_path"]) == (
            code,
            "$.fields[0].convert_mapping.Contacts",
        )
    made = make("Leads", "Pastime", 50, convert_mapping={"Contacts": "Hobby"})
    shown = crm.get(f"settings/fields/{made['details']['id']}", module="Leads").json["fields"][0]
    assert shown["convert_mapping"] == {"Contacts": "Hobby", "Deals": None, "Accounts": None}
    (lead,) = crm.insert("Leads", {"Last_Name": "A", "Pastime": "Chess"})
    assert crm.only(f"Contacts/{became(convert(lead))['Contacts']}")["Hobby"] == "Chess"


class TestOptions:
    def test_they_are_the_records_that_match(self, crm, lead):
        assert crm.get(f"Leads/{lead}/__conversion_options").status == 204
        (account,) = crm.insert("Accounts", {"Account_Name": "Analytical Ltd"})
        (contact,) = crm.insert("Contacts", {"Last_Name": "B", "Email": LEAD["Email"]})
        (deal,) = crm.insert("Deals", DEAL | {"Account_Name": {"id": account}})
        options = crm.get(f"Leads/{lead}/__conversion_options").json["__conversion_options"]
        ids = {name: [record["id"] for record in options[name]] for name in ("Contacts", "Accounts", "Deals")}
        assert ids == {"Contacts": [contact], "Accounts": [account], "Deals": [deal]}
        assert options["module_preference"]["api_name"] == "Contacts"
        (value,) = options["preference_field_matched_value"]["Contacts"]
        assert (value["field"]["api_name"], value["matched_lead_value"]) == ("Email", LEAD["Email"])
        assert options["modules_with_multiple_layouts"] == []

    def test_a_converted_or_unknown_lead_has_none(self, crm, lead, convert, stranger):
        convert(lead)
        assert crm.get(f"Leads/{lead}/__conversion_options").status == 204
        assert crm.get("Leads/12/__conversion_options").status == 204
        assert stranger.get(f"Leads/{lead}/__conversion_options").status == 204
