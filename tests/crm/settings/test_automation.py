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
