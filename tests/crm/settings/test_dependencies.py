"""Dependencies of picklists: made, shown in layouts, changed and deleted."""

import pytest

from tests.crm.settings.changes import made, outcomes


def picklist(crm, label, *names):
    options = [{"display_value": name} for name in names]
    spec = {"field_label": label, "data_type": "picklist", "pick_list_values": options}
    [identity] = made(crm, "fields", "fields", spec, module="Leads")
    field = crm.get(f"settings/fields/{identity}", module="Leads").json["fields"][0]
    return field, {option["display_value"]: option["id"] for option in field["pick_list_values"]}


@pytest.fixture
def path(crm):
    layout = crm.get("settings/layouts", module="Leads").json["layouts"][0]["id"]
    return f"layouts/{layout}/map_dependency"


@pytest.fixture
def country(crm):
    return picklist(crm, "Land", "Peru", "Chad")


@pytest.fixture
def city(crm):
    return picklist(crm, "Town", "Lima", "Cusco", "Mongo")


def maps(country, city, **chosen):
    return [
        {"id": country[1][name], "maps": [{"id": city[1][each]} for each in names]}
        for name, names in chosen.items()
    ]


def specified(country, city, **chosen):
    references = {
        name: {"api_name": field["api_name"]} for name, field in (("parent", country[0]), ("child", city[0]))
    }
    return {**references, "pick_list_values": maps(country, city, **chosen)}


@pytest.fixture
def dependency(crm, path, country, city):
    return made(
        crm, path, "map_dependency", specified(country, city, Peru=["Cusco", "Lima"]), module="Leads"
    )[0]


def in_layout(crm, path):
    """By option of the parent, the options of the child that a layout shows."""
    layout = crm.get(f"settings/{path.removesuffix('/map_dependency')}", module="Leads").json["layouts"][0]
    [field] = [
        field for section in layout["sections"] for field in section["fields"] if field["api_name"] == "Land"
    ]
    shown = {}
    for option in field["pick_list_values"]:
        children = [each for child in option["maps"] for each in child["pick_list_values"]]
        shown[option["display_value"]] = [each["display_value"] for each in children]
    return shown


def test_a_dependency_is_shown_in_the_layout_changed_and_deleted(
    crm, path, country, city, dependency, stranger
):
    assert in_layout(crm, path) == {"-None-": [], "Peru": ["Lima", "Cusco"], "Chad": []}
    listed = crm.get(f"settings/{path}", module="Leads").json
    [shown] = listed["map_dependency"]
    assert (shown["parent"]["api_name"], shown["child"]["api_name"], listed["info"]["count"]) == (
        "Land",
        "Town",
        1,
    )
    assert [value["display_value"] for value in shown["pick_list_values"]] == ["Peru"]
    changes = maps(country, city, Chad=["Mongo"], Peru=["Lima"])
    changes[1]["maps"][0]["_delete"] = True
    one = f"settings/{path}/{dependency}"
    answer = crm.put(one, {"map_dependency": [{"pick_list_values": changes}]}, module="Leads")
    assert outcomes(answer, "map_dependency") == [("SUCCESS", "map dependency updated")]
    assert in_layout(crm, path) == {"-None-": [], "Peru": ["Cusco"], "Chad": ["Mongo"]}
    assert crm.get(one, module="Leads").json["map_dependency"][0]["id"] == dependency
    # Values of records are not held to it.
    crm.insert("Leads", {"Last_Name": "A", "Land": "Peru", "Town": "Mongo"})
    used = crm.delete(f"settings/fields/{city[0]['id']}", module="Leads")
    assert b"NOT_ALLOWED" in used.body
    assert stranger.get(one, module="Leads").json["details"] == {"resource_path_index": 2}
    assert crm.delete(one, module="Leads").status == 200
    assert (crm.get(one, module="Leads").status, crm.get(f"settings/{path}", module="Leads").status) == (
        204,
        204,
    )
    assert crm.delete(one, module="Leads").json["map_dependency"][0]["details"] == {"resource_path_index": 4}
    assert in_layout(crm, path)["Peru"] == []


def test_a_wrong_dependency_is_refused_with_its_place(crm, path, country, city, dependency):
    right = specified(country, city, Peru=["Lima"])
    other = picklist(crm, "Quay", "Main")
    wrong = [
        (right, ("DUPLICATE_DATA", "child")),
        ({**right, "child": None}, ("MANDATORY_NOT_FOUND", "child")),
        ({**right, "child": right["parent"]}, ("INVALID_DATA", "child.api_name")),
        ({**right, "parent": {"api_name": "Last_Name"}}, ("INVALID_DATA", "parent.api_name")),
        ({**right, "parent": right["child"], "child": right["parent"]}, ("NOT_ALLOWED", "child")),
        ({**specified(country, other), "pick_list_values": []}, ("MANDATORY_NOT_FOUND", "pick_list_values")),
        ({**specified(country, other), "pick_list_values": [{"id": "12"}]}, ("INVALID_DATA", "pick_list_values[0].id")),
    ]  # fmt: skip
    for spec, (code, place) in wrong:
        answer = crm.post(f"settings/{path}", {"map_dependency": [spec]}, module="Leads")
        [outcome] = answer.json["map_dependency"]
        assert (outcome["code"], outcome["details"]["json_path"]) == (code, f"$.map_dependency[0].{place}")
    assert crm.get(f"settings/{path}").json["code"] == "REQUIRED_PARAM_MISSING"
