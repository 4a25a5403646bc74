"""`moorage policy`: policies of a data folder, with no server on it."""

import json

import pytest

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def key(moorage):
    return moorage("key", "create", "--policy", "cautious", "--json").json["key"]["id"]


def test_a_policy_is_set_shown_tried_and_taken_away(moorage, key, tmp_path):
    assert moorage("policy", "show", key).out == "mode: cautious\n"
    rule = {"name": "no deals", "action": "deny", "modules": ["Deals"], "path": "/crm/**"}
    budget = {"counts": "records", "most": 5, "per_seconds": 60}
    file = tmp_path / "policy.json"
    policy = {"mode": "strict", "rules": [rule], "budgets": [budget], "needs_name": True}
    file.write_text(json.dumps(policy))
    shown = moorage("policy", "set", key, "--file", str(file)).out
    assert "deny: no deals (path /crm/**; modules Deals)" in shown and "5 records in 60 seconds" in shown
    call = (key, "delete", "zoho-crm/crm/v8/Deals?ids=1,2")
    assert moorage("policy", "try", *call, "--json").error["code"] == "connection_name_required"
    file.write_text(json.dumps(policy | {"needs_name": False}))
    moorage("policy", "set", key, "--file", str(file))
    tried = moorage("policy", "try", *call)
    assert tried.out.splitlines() == [
        "deny: The rule 'no deals' does not allow it.", "DELETE /crm/v8/{module} (destructive), Deals, 2 records",
    ]  # fmt: skip
    assert "live" in moorage("policy", "set", key, "--default").out
    assert moorage("policy", "show", key, "--json").json["policy"] is None


def test_what_is_wrong_is_said(moorage, key, tmp_path):
    wrong = tmp_path / "policy.json"
    wrong.write_text("{")
    assert moorage("policy", "set", key).status == 2
    assert moorage("policy", "set", key, "--file", str(wrong)).status == 2
    wrong.write_text('{"mode": "loose"}')
    assert moorage("policy", "set", key, "--file", str(wrong), "--json").error["code"] == "policy_invalid"
    assert moorage("policy", "show", "nope", "--json").error["code"] == "key_unknown"
    assert (
        moorage("policy", "show", key, "--connection", "nope", "--json").error["code"] == "connection_unknown"
    )
