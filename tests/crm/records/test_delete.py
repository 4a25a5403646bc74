def test_it_answers_as_the_api_documents_and_the_record_is_gone(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Smith"})
    answer = crm.delete("Leads", ids=lead)
    assert answer.status == 200
    assert answer.json == {
        "data": [
            {"code": "SUCCESS", "details": {"id": lead}, "message": "record deleted", "status": "success"}
        ]
    }
    assert crm.get(f"Leads/{lead}").status == 204
    assert crm.get("Leads/search", word="Smith").status == 204


def test_unknown_ids_fail_alone(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Smith"})
    answer = crm.delete("Leads", ids=f"{lead},999")
    assert answer.status == 207
    assert answer.data[1] == {
        "code": "INVALID_DATA", "details": {"id": "999"}, "message": "record not deleted", "status": "error",
    }  # fmt: skip
    assert crm.delete("Leads", ids="999").status == 400


def test_ids_are_needed_and_at_most_a_hundred(crm):
    assert crm.delete("Leads").json["code"] == "REQUIRED_PARAM_MISSING"
    assert crm.delete("Leads", ids=",".join(["1"] * 101)).status == 400
    assert crm.delete("Leads", ids="a,b").json == {
        "code": "INVALID_DATA", "details": {"param_name": "ids"},
        "message": "either the request body or parameters is in wrong format", "status": "error",
    }  # fmt: skip


def test_the_single_form(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Smith"})
    assert crm.delete(f"Leads/{lead}").status == 200
    again = crm.delete(f"Leads/{lead}")
    assert again.status == 400 and again.json == {
        "code": "INVALID_DATA", "details": {"resource_path_index": 1}, "message": "record not deleted",
        "status": "error",
    }  # fmt: skip
    assert crm.delete("Leads/abc").json == {
        "code": "INVALID_DATA", "details": {"resource_path_index": 1},
        "message": "either the request body or parameters is in wrong format", "status": "error",
    }  # fmt: skip


def test_the_recycle_bin_lists_it(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Smith", "First_Name": "Ann"})
    assert crm.get("Leads/deleted").status == 204
    crm.delete(f"Leads/{lead}")
    answer = crm.get("Leads/deleted", type="all")
    (entry,) = answer.data
    assert entry["id"] == lead and entry["display_name"] == "Ann Smith" and entry["type"] == "recycle"
    assert entry["deleted_time"] == "2026-02-06T01:10:56-08:00" and entry["deleted_by"].keys() == {
        "name",
        "id",
    }
    assert answer.json["info"] == {"per_page": 200, "count": 1, "page": 1, "more_records": False}
    assert crm.get("Leads/deleted", type="permanent").status == 204
    assert crm.get("Leads/deleted", type="wrong").json["code"] == "PATTERN_NOT_MATCHED"
    assert crm.get("Leads/deleted", headers={"If-Modified-Since": "2027-01-01T00:00:00Z"}).status == 304


def test_a_lookup_to_a_deleted_record_shows_nothing(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    (contact,) = crm.insert("Contacts", {"Last_Name": "Doe", "Account_Name": account})
    crm.delete(f"Accounts/{account}")
    assert crm.only(f"Contacts/{contact}")["Account_Name"] is None
