"""An organisation without processes and rules says that it has none."""

import pytest


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("settings/wizards", 2),
        ("settings/automation/assignment_rules", 3),
        ("settings/automation/workflow_rules", 3),
        ("approvals", 1),
    ],
)
def test_there_are_none(crm, path, index):
    assert (crm.get(path).status, crm.get(path).body) == (204, b"")
    assert crm.get(path, module="Leads").status == crm.get(f"{path}/5").status == 204
    assert crm.get(path, module="Nope").json["code"] == "INVALID_MODULE"
    assert crm.get(f"{path}/x").json["details"] == {"resource_path_index": index}


def test_no_record_is_in_a_process(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Moor"})
    path = f"Leads/{lead}/actions/blueprint"
    for answer in (crm.get(path), crm.put(path, {"blueprint": [{"transition_id": "1", "data": {}}]})):
        assert (answer.status, answer.json["code"]) == (400, "RECORD_NOT_IN_PROCESS")
        assert answer.json["message"] == "record not in process"
    assert crm.put(path, {}).json["details"] == {"api_name": "blueprint", "json_path": "$.blueprint"}
    assert crm.get("Leads/5/actions/blueprint").json["details"] == {"resource_path_index": 1}


def test_nothing_waits_for_an_approval_and_no_cadence_takes_records(crm):
    decided = crm.put("approvals/5/actions", {"approvals": [{"actions": [{"type": "approve"}]}]})
    assert (decided.status, decided.json["code"]) == (400, "INVALID_DATA")
    assert decided.json["details"] == {"resource_path_index": 1}
    assert crm.get("settings/automation/cadences").status == 204
    for action in ("enrol_in_cadences", "unenrol_from_cadences"):
        path = f"Leads/actions/{action}"
        refused = crm.post(path, {"cadences_ids": ["5"], "ids": ["6"]})
        assert (refused.status, refused.json["details"]["json_path"]) == (400, "$.cadences_ids[0]")
        assert crm.post(path, {"ids": ["6"]}).json["code"] == "MANDATORY_NOT_FOUND"
        assert crm.post(path, {"cadences_ids": 5, "ids": []}).json["details"]["api_name"] == "cadences_ids"
