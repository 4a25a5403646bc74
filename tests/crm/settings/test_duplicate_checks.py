"""A lead must not repeat a contact, if the organisation prefers so."""

PATH = "settings/duplicate_check_preference"


def unique_field(crm, module):
    field = {"field_label": "Passport", "data_type": "text", "unique": {"case_sensitive": False}}
    made = crm.post("settings/fields", {"fields": [field]}, module=module)
    return made.json["fields"][0]["details"]["id"]


def wish(lead_field, contact_field, **more):
    mapping = {"current_field": lead_field, "mapped_field": {**contact_field, **more}}
    configuration = {"field_mappings": [mapping], "mapped_module": {"api_name": "Contacts"}}
    preference = {"type": "mapped_module_records", "type_configurations": [configuration]}
    return {"duplicate_check_preference": preference}


def told(answer):
    body = answer.json.get("duplicate_check_preference", answer.json)
    return answer.status, body["code"], body["message"]


def test_a_lead_does_not_repeat_a_contact_while_that_is_preferred(crm):
    of_leads, of_contacts = unique_field(crm, "Leads"), unique_field(crm, "Contacts")
    (contact,) = crm.insert("Contacts", {"Last_Name": "Gill", "Passport": "P1"})
    assert crm.get(PATH, module="Leads").status == 204
    assert told(crm.put(PATH, wish({}, {})))[1] == "REQUIRED_PARAM_MISSING"
    mine, theirs = {"id": of_leads}, {"api_name": "Passport"}
    assert told(crm.call("PUT", PATH, {"module": "Leads"}, wish(mine, theirs)))[:2] == (
        403, "FEATURE_NOT_ENABLED",
    )  # fmt: skip
    assert told(crm.post(PATH, wish(mine, theirs), module="Leads")) == (
        200, "SUCCESS", "Duplicate check enabled for mapped_module_records successfully.",
    )  # fmt: skip
    shown = crm.get(PATH, module="Leads").json["duplicate_check_preference"]
    (configuration,) = shown["type_configurations"]
    assert configuration["mapped_module"]["api_name"] == "Contacts"
    (mapping,) = configuration["field_mappings"]
    assert (mapping["current_field"]["id"], mapping["mapped_field"]["id"]) == (of_leads, of_contacts)
    assert "duplicate_check" not in crm.get("settings/modules/Leads").json["modules"][0]
    lead = {"data": [{"Last_Name": "Gill", "Passport": "p1"}]}
    (refused,) = crm.post("Leads", lead).data
    duplicate = refused["details"]["duplicate_record"]
    assert (refused["code"], duplicate["id"]) == ("DUPLICATE_DATA", contact)
    assert duplicate["module"]["api_name"] == "Contacts"
    removed = crm.call("PUT", PATH, {"module": "Leads"}, wish(mine, theirs, selected="None"))
    assert told(removed)[2] == "Updated fieldMapping for mapped_module_records successfully."
    assert crm.post("Leads", lead).status == 201
    assert told(crm.delete(PATH, module="Leads"))[1] == "SUCCESS"
    assert crm.get(PATH, module="Leads").status == 204
    assert told(crm.delete(PATH, module="Leads"))[:2] == (403, "FEATURE_NOT_ENABLED")


def test_what_can_not_be_preferred_is_refused(crm):
    of_leads = unique_field(crm, "Leads")
    email = {"api_name": "Email"}
    converted = {"duplicate_check_preference": {"type": "converted_records", "type_configurations": None}}
    assert told(crm.post(PATH, converted, module="Contacts"))[1] == "NOT_SUPPORTED"
    assert crm.post(PATH, converted, module="Leads").status == 200
    expected = [
        ({}, "MANDATORY_NOT_FOUND"),
        ({"duplicate_check_preference": {"type": "all"}}, "INVALID_DATA"),
        ({"duplicate_check_preference": {"type": "mapped_module_records"}}, "DEPENDENT_FIELD_MISSING"),
        (wish(email, email), "NOT_ALLOWED"),
        (wish({}, email), "EXPECTED_FIELD_MISSING"),
        (wish({"id": of_leads, "api_name": "Email"}, email), "AMBIGUITY_DURING_PROCESSING"),
        (wish({"id": "1"}, email), "INVALID_DATA"),
    ]
    codes = [told(crm.post(PATH, body, module="Leads"))[1] for body, _ in expected]
    assert codes == [code for _, code in expected]
