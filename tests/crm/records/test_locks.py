"""A record that is locked can be written to by whoever has locked it, and by nobody else."""

import pytest

WHY = {"data": [{"Locked_Reason__s": "Under review"}]}


@pytest.fixture
def other(crm, caller_of):
    """Another user of the same organisation, who is no administrator."""
    return caller_of("acme", user=2)


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Moor"})[0]


def lock(caller, lead):
    answer = caller.post(f"Leads/{lead}/Locking_Information__s", WHY)
    assert answer.status == 201, answer.body
    return answer.data[0]["details"]["id"]


def test_a_lock_is_shown_with_who_when_and_why(crm, lead):
    answer = crm.post(f"Leads/{lead}/Locking_Information__s", WHY)
    assert (answer.status, answer.data[0]["message"]) == (201, "record added")
    assert answer.data[0]["details"].keys() == {
        "Modified_Time", "Modified_By", "Created_Time", "id", "Created_By",
    }  # fmt: skip
    number, fields = answer.data[0]["details"]["id"], "Locked_For__s,Locked_Reason__s,Lock_Source__s"
    path = f"Leads/{lead}/Locking_Information__s"
    shown = crm.get(path, fields=fields)
    module = {"api_name": "Leads", "id": crm.get("settings/modules/Leads").json["modules"][0]["id"]}
    assert shown.json == {
        "data": [
            {
                "Locked_For__s": {"module": module, "name": "Moor", "id": lead},
                "Locked_Reason__s": "Under review",
                "Lock_Source__s": "Manual",
                "id": number,
            }
        ],
        "info": {"per_page": 200, "count": 1, "page": 1, "more_records": False},
    }
    whole = crm.only(f"{path}/{number}")
    assert whole["Locked_Time__s"] == "2026-02-06T01:10:56-08:00"
    assert whole["Locked_By__s"]["id"] == crm.only(f"Leads/{lead}")["Owner"]["id"]
    assert crm.get(path, fields="id", ids="5").status == crm.get(path, fields="id", page=2).status == 204
    assert crm.get(path).json["details"] == {"param_name": "fields"}
    assert crm.get(f"{path}/5").status == 204


def test_only_the_holder_writes(crm, other, lead):
    number = lock(crm, lead)
    record = other.only(f"Leads/{lead}")
    assert (record["Locked__s"], record["$locked_for_me"]) == (True, True)
    assert crm.only(f"Leads/{lead}")["$locked_for_me"] is False
    (free,) = crm.insert("Leads", {"Last_Name": "Free"})
    update = other.put("Leads", {"data": [{"id": lead, "City": "x"}, {"id": free, "City": "x"}]})
    assert update.status == 207
    assert update.data[0] == {
        "code": "RECORD_LOCKED",
        "details": {"api_name": "id", "json_path": "$.data[0].id", "action": "record_locking"},
        "message": "Sorry, you cannot perform this operation as the record is locked.",
        "status": "error",
    }
    assert other.put(f"Leads/{lead}", {"data": [{"City": "x"}]}).data[0]["code"] == "RECORD_LOCKED"
    upsert = other.post("Leads/upsert", {"data": [{"id": lead, "Last_Name": "x"}]})
    assert upsert.data[0]["code"] == "RECORD_LOCKED"
    deletion = other.delete("Leads", ids=f"{lead},{free}")
    assert (deletion.status, deletion.data[0]["code"]) == (207, "RECORD_LOCKED")
    assert deletion.data[0]["details"] == {"id": lead, "action": "record_locking"}
    assert other.delete(f"Leads/{lead}").data[0]["code"] == "RECORD_LOCKED"
    assert crm.put(f"Leads/{lead}", {"data": [{"City": "mine"}]}).status == 200
    assert crm.only(f"Leads/{lead}")["City"] == "mine"
    removed = crm.delete(f"Leads/{lead}/Locking_Information__s/{number}")
    assert removed.json["data"] == [
        {"code": "SUCCESS", "details": {"id": number}, "message": "relation removed", "status": "success"}
    ]
    assert crm.only(f"Leads/{lead}")["Locked__s"] is False
    assert other.delete(f"Leads/{lead}").status == 200


def test_the_holder_and_administrators_change_and_remove_a_lock(crm, other, lead):
    number = lock(crm, lead)
    path = f"Leads/{lead}/Locking_Information__s/{number}"
    for refused in (other.delete(path), other.put(path, WHY)):
        assert (refused.status, refused.json["code"]) == (403, "NO_PERMISSION")
        assert refused.json["message"] == "You do not have permission to unlock this record"
    changed = crm.put(path, {"data": [{"Locked_Reason__s": "Audit"}]})
    assert (changed.status, changed.data[0]["message"]) == (200, "record updated")
    assert crm.only(path)["Locked_Reason__s"] == "Audit"
    assert crm.delete(path).status == 200
    theirs = lock(other, lead)
    assert crm.put(f"Leads/{lead}", {"data": [{"City": "x"}]}).data[0]["code"] == "RECORD_LOCKED"
    assert crm.delete(f"Leads/{lead}/Locking_Information__s/{theirs}").status == 200


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        ({}, "MANDATORY_NOT_FOUND", {"api_name": "Locked_Reason__s"}),
        ({"Locked_Reason__s": 7}, "INVALID_DATA", {"expected_data_type": "text"}),
        ({"Locked_Reason__s": "x" * 256}, "INVALID_DATA", {"maximum_length": 255}),
    ],
)
def test_a_reason_is_needed(crm, lead, body, code, details):
    refused = crm.post(f"Leads/{lead}/Locking_Information__s", {"data": [body]})
    assert (refused.status, refused.json["code"]) == (400, code)
    assert refused.json["details"].items() >= details.items()


def test_what_can_not_be_locked(crm, lead):
    lock(crm, lead)
    again = crm.post(f"Leads/{lead}/Locking_Information__s", WHY)
    assert (again.status, again.json["message"]) == (403, "record is already locked")
    assert again.json["details"] == {"resource_path_index": 1}
    unknown = crm.post("Leads/5/Locking_Information__s", WHY)
    assert unknown.json["message"] == "the related id given seems to be invalid"
    assert crm.delete(f"Leads/{lead}/Locking_Information__s/5").json["message"] == "relation not found"
    assert crm.put(f"Leads/{lead}/Locking_Information__s/x", WHY).json["details"] == {
        "resource_path_index": 3
    }
    notes = crm.post("Notes/5/Locking_Information__s", WHY)
    assert (notes.json["code"], notes.json["details"]) == ("NOT_ALLOWED", {"resource_path_index": 2})


def test_a_lock_is_there_for_the_module_of_its_record_alone(crm, lead):
    path = f"Accounts/{lead}/Locking_Information__s/{lock(crm, lead)}"
    answers = (
        crm.get(path),
        crm.get(path.rpartition("/")[0], fields="Locked_Reason__s"),
        crm.put(path, WHY),
        crm.delete(path),
    )
    for answer in answers:
        assert (answer.status, answer.json["message"]) == (400, "the related id given seems to be invalid")
    crm.delete(f"Leads/{lead}")
    assert crm.get(path.replace("Accounts", "Leads")).status == 400
