"""Variables of an organisation: made, changed and deleted, each with a value of its type."""

import pytest

from moorage.crm.api.settings.variable_values import TYPES

GENERAL = {"api_name": "General"}


def variable(name, kind="text", **more):
    return {"name": name, "api_name": name, "type": kind, "variable_group": GENERAL, **more}


def made(crm, *variables):
    answer = crm.post("settings/variables", {"variables": list(variables)})
    assert answer.status == 201, answer.body
    return [outcome["details"]["id"] for outcome in answer.json["variables"]]


def only(crm, name):
    return crm.get(f"settings/variables/{name}", group="General").json["variables"][0]


def test_a_variable_is_made_read_changed_and_deleted(crm):
    assert crm.get("settings/variables").status == 204
    [rate] = made(crm, variable("Rate", "percent", value="12.5", description="of sales"))
    [group] = crm.get("settings/variable_groups").json["variable_groups"]
    assert crm.get("settings/variables").json["variables"] == [
        {
            "api_name": "Rate",
            "name": "Rate",
            "description": "of sales",
            "type": "percent",
            "value": "12.5",
            "id": rate,
            "source": "crm",
            "read_only": False,
            "variable_group": {name: group[name] for name in ("id", "api_name", "name")},
        }
    ]
    answer = crm.put(f"settings/variables/{rate}", {"variables": [{"value": 13}]})
    assert answer.json["variables"][0]["message"] == "variable updated"
    crm.put("settings/variables/rate", {"variables": [{"name": "Our rate"}]})
    crm.put("settings/variables", {"variables": [{"id": rate, "description": None}]})
    assert only(crm, rate)["value"] == 13
    assert (only(crm, "Rate")["name"], only(crm, "Rate")["description"]) == ("Our rate", None)
    assert crm.get("settings/variables", group=group["id"]).status == 200
    assert crm.get("settings/variables", group="Other").status == 204
    assert crm.get(f"settings/variables/{rate}").json["code"] == "REQUIRED_PARAM_MISSING"
    answer = crm.delete("settings/variables", ids=f"{rate},1")
    assert (answer.status, [each["code"] for each in answer.json["variables"]]) == (
        207,
        ["SUCCESS", "INVALID_DATA"],
    )
    assert crm.delete(f"settings/variables/{rate}").status == 400
    assert crm.get("settings/variables").status == 204


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_is_one_of_its_type(crm, kind):
    right = {
        "integer": 5, "long": "5", "percent": 5.5, "double": "5.5", "decimal": 5, "currency": 5, "checkbox": True,
        "date": "2026-02-06", "datetime": "2026-02-06T01:10:56-08:00", "email": "a@b.example", "phone": "+1 5",
        "website": "https://a.example", "url": "https://a.example", "text": "a", "textarea": "a",
    }  # fmt: skip
    made(crm, variable("A", kind, value=right[kind]))
    assert only(crm, "A")["value"] == right[kind]
    for wrong in ([], {}, "\0" if kind.startswith("text") else "?!", 10**30):
        answer = crm.put("settings/variables/A", {"variables": [{"value": wrong}]})
        assert answer.json["variables"][0]["details"]["json_path"] == "$.variables[0].value"
    assert only(crm, "A")["value"] == right[kind]


def test_wrong_variables_are_refused_each_by_itself(crm, caller_of):
    made(crm, variable("A"))
    wrong = {
        "MANDATORY_NOT_FOUND": {"name": "B", "type": "text", "variable_group": GENERAL},
        "DUPLICATE_DATA": {**variable("B"), "api_name": "a"},
        "EXPECTED_FIELD_MISSING": {**variable("B"), "variable_group": {"name": "x"}},
        "INVALID_DATA": {**variable("B"), "api_name": "9b"},
    }
    body = {"variables": [*wrong.values(), variable("C" * 51), variable("D", "blob"), variable("E")]}
    answer = crm.post("settings/variables", body)
    codes = [outcome["code"] for outcome in answer.json["variables"]]
    assert (answer.status, codes) == (207, [*wrong, "INVALID_DATA", "INVALID_DATA", "SUCCESS"])
    assert (
        crm.put("settings/variables", {"variables": [{"name": "x"}]}).json["variables"][0]["details"][
            "api_name"
        ]
        == "id"
    )
    assert crm.get("settings/variable_groups/Other").status == 204
    assert caller_of("acme", user=2).post("settings/variables", body).json["code"] == "NO_PERMISSION"
    assert caller_of("acme", user=2).delete("settings/variables", ids="1").json["code"] == "NO_PERMISSION"
