"""An organisation without processes and rules says that it has none."""

import pytest


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("settings/wizards", 2),
        ("settings/automation/assignment_rules", 3),
        ("settings/automation/workflow_rules", 3),
        ("settings/automation/scoring_rules", 3),
        ("settings/data_sharing/rules", 3),
        ("settings/inventory_templates", 2),
        ("settings/unsubscribe_links", 2),
        ("settings/users_unavailability", 2),
        ("approvals", 1),
    ],
)
def test_there_are_none(kept_crm, path, index):
    assert (kept_crm.get(path).status, kept_crm.get(path).body) == (204, b"")
    assert kept_crm.get(path, module="Leads").status == kept_crm.get(f"{path}/5").status == 204
    assert kept_crm.get(path, module="Nope").json["code"] == "INVALID_MODULE"
    assert kept_crm.get(f"{path}/x").json["details"] == {"resource_path_index": index}


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


def test_there_are_no_shifts(crm):
    path = "settings/business_hours/shift_hours"
    count = {"total_shift_with_user": 0, "total_shift": 0}
    assert crm.get(path).json == {"shift_hours": [], "shift_count": count}
    assert crm.get(f"{path}/5").status == 204
    assert crm.get(f"{path}/x").json["details"] == {"resource_path_index": 3}


def test_the_one_feature_with_a_limit_counts_users(crm):
    count = sum(len(crm.get("users", type=kind).json["users"]) for kind in ("AllUsers", "DeletedUsers"))
    for answer in (
        crm.get("__features"),
        crm.get("__features", api_names="other, user_licenses"),
        crm.get("__features/user_licenses"),
    ):
        (feature,) = answer.json["__features"]
        assert feature["details"]["used_count"] == {"total": count, "edition_limit": count}
        assert feature["details"]["available_count"]["total"] == 1_000 - count
    assert crm.get("__features/other").status == crm.get("__features", module="Leads").status == 204
    assert crm.get("__features", api_names="other").status == 204
    assert crm.get("__features", module="Nope").json["code"] == "INVALID_MODULE"
    assert crm.get("__features/data_enrichment").json["__features"] == []
