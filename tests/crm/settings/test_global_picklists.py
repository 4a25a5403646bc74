"""Global picklists, the fields that use them, and options replaced in records."""

import pytest

from moorage.crm.jobs import mass
from tests.crm.settings.changes import made, outcomes, work

REGIONS = {
    "display_label": "Regions",
    "pick_list_values": [{"display_value": name} for name in ("North", "South")],
}


@pytest.fixture
def regions(crm):
    """A picklist of two options, by its id."""
    [picklist] = made(crm, "global_picklists", "global_picklists", REGIONS)
    return picklist


def shown(crm, picklist, **params):
    return crm.get(f"settings/global_picklists/{picklist}", **params).json["global_picklists"][0]


def options(document):
    return [(option["display_value"], option["sequence_number"]) for option in document["pick_list_values"]]


def change(crm, picklist, **spec):
    return crm.call("PATCH", f"settings/global_picklists/{picklist}", {}, {"global_picklists": [spec]})


def using(crm, picklist, data_type="picklist", label="Region"):
    """A field of leads that uses the picklist: its id."""
    spec = {"field_label": label, "data_type": data_type, "global_picklist": {"id": picklist}}
    return made(crm, "fields", "fields", spec, module="Leads")[0]


def field(crm, identity):
    return crm.get(f"settings/fields/{identity}", module="Leads").json["fields"][0]


def test_a_picklist_is_made_changed_and_deleted(crm, stranger):
    assert crm.get("settings/global_picklists").status == 204
    [picklist] = made(crm, "global_picklists", "global_picklists", {**REGIONS, "description": "of sales"})
    document = shown(crm, picklist)
    assert options(document) == [("-None-", 0), ("North", 1), ("South", 2)]
    assert (document["api_name"], document["description"], document["presence"]) == (
        "Regions",
        "of sales",
        True,
    )
    south = document["pick_list_values"][2]["id"]
    spec = {
        "id": picklist,
        "pick_list_values": [{"id": south, "display_value": "Far south"}, {"display_value": "East"}],
    }
    answer = crm.call("PATCH", "settings/global_picklists", {}, {"global_picklists": [spec, {"id": "12"}]})
    assert (answer.status, [code for code, _ in outcomes(answer, "global_picklists")]) == (
        207,
        ["SUCCESS", "INVALID_DATA"],
    )
    assert options(shown(crm, picklist)) == [("-None-", 0), ("North", 1), ("Far south", 2), ("East", 3)]
    changed = change(
        crm,
        picklist,
        pick_list_values_sorted_lexically=True,
        pick_list_values=[{"id": south, "_delete": None}],
    )
    assert outcomes(changed, "global_picklists") == [("SUCCESS", "global picklist updated successfully")]
    assert options(shown(crm, picklist)) == [("-None-", 0), ("East", 1), ("North", 2)]
    assert stranger.get(f"settings/global_picklists/{picklist}").status == 204
    assert stranger.delete(f"settings/global_picklists/{picklist}").status == 400
    answer = crm.delete("settings/global_picklists", ids=f"{picklist},12")
    assert (answer.status, answer.json["global_picklists"][1]["details"]) == (207, {"id": "12"})
    assert crm.get("settings/global_picklists").status == 204


def test_a_wrong_picklist_is_refused_with_its_place(crm, regions, caller_of):
    option = {"display_value": "A"}
    wrong = {
        "Duplicate name found, enter a unique name.": {"display_label": "regions"},
        "Special characters in name": {"display_label": "<b>"},
        "Values in the pick list field cannot be empty.": {"pick_list_values": [{"display_value": " "}]},
        "Special characters are not allowed in Options": {"pick_list_values": [{"display_value": "<"}]},
        "Duplicate option found. Enter a unique option.": {"pick_list_values": [option, {"display_value": "a"}]},
        "required field not found": {"pick_list_values": []},
        "invalid data": {"pick_list_values": [{**option, "type": "new"}]},
    }  # fmt: skip
    for message, members in wrong.items():
        spec = {"display_label": "New", "pick_list_values": [option], **members}
        answer = crm.post("settings/global_picklists", {"global_picklists": [spec]})
        [outcome] = answer.json["global_picklists"]
        assert (answer.status, outcome["message"]) == (400, message)
        assert outcome["details"]["json_path"].startswith("$.global_picklists[0].")
    other = caller_of("acme", user=2)
    assert other.delete(f"settings/global_picklists/{regions}").json["code"] == "NO_PERMISSION"


def test_a_field_has_the_options_of_its_picklist(crm, regions):
    region = using(crm, regions)
    assert field(crm, region)["global_picklist"] == {"api_name": "Regions", "id": regions}
    assert options(field(crm, region)) == [("-None-", 1), ("North", 2), ("South", 3)]
    change(crm, regions, pick_list_values=[{"display_value": "East"}])
    assert [name for name, _ in options(field(crm, region))] == ["-None-", "North", "South", "East"]
    [use] = crm.get(f"settings/global_picklists/{regions}/actions/associations").json["associations"]
    assert (use["field"]["id"], use["module"]["plural_label"], len(use["layouts"])) == (region, "Leads", 1)
    details = {"include": "used_in_modules", "include_inner_details": "used_in_modules.plural_label"}
    assert shown(crm, regions, **details)["used_in_modules"][0]["plural_label"] == "Leads"
    own = {"fields": [{"pick_list_values": [{"display_value": "West"}]}]}
    answer = crm.call("PATCH", f"settings/fields/{region}", {"module": "Leads"}, own)
    assert answer.json["fields"][0]["code"] == "NOT_ALLOWED"
    both = {
        "field_label": "B",
        "data_type": "picklist",
        "global_picklist": {"id": regions},
        "pick_list_values": [{}],
    }
    for code, spec in (
        ("AMBIGUITY_DURING_PROCESSING", both),
        ("INVALID_DATA", {**both, "global_picklist": {"id": "12"}, "pick_list_values": []}),
    ):
        answer = crm.post("settings/fields", {"fields": [spec]}, module="Leads")
        assert answer.json["fields"][0]["code"] == code
    crm.delete(f"settings/global_picklists/{regions}")
    assert (field(crm, region)["global_picklist"], len(options(field(crm, region)))) == (None, 4)
    values = crm.get(f"settings/fields/{region}/pick_list_values", module="Leads").json["pick_list_values"]
    assert [value["layout_associations"][0]["name"] for value in values] == ["Standard"] * 4


def test_a_replaced_option_is_replaced_in_every_record(crm, regions, monkeypatch):
    monkeypatch.setattr(mass, "AT_ONCE", 2)
    using(crm, regions)
    using(crm, regions, "multiselectpicklist", "All regions")
    records = crm.insert(
        "Leads",
        *({"Last_Name": f"L{n}", "Region": "North", "All_regions": ["South", "North"]} for n in range(3)),
        {"Last_Name": "Other", "Region": "South"},
    )  # fmt: skip
    path = f"settings/global_picklists/{regions}/actions"
    # What is replaced by each other is not replaced twice.
    pairs = [("North", "South"), ("South", "North")]
    body = [{"old_value": {"display_value": old}, "new_value": {"display_value": new}} for old, new in pairs]
    answer = crm.post(f"{path}/replace_picklist_values", {"replace_picklist_values": body})
    [outcome] = answer.json["replace_picklist_values"]
    assert (answer.status, outcome["code"]) == (200, "SCHEDULED")
    assert crm.get(f"{path}/replaced_values", **outcome["details"]).status == 204
    work(crm, outcome["details"]["job_id"])
    found = {
        each["id"]: (each["Region"], each["All_regions"])
        for each in crm.get("Leads", fields="Region,All_regions").data
    }
    assert found == dict.fromkeys(records[:3], ("South", ["North", "South"])) | {records[3]: ("North", None)}
    told = crm.get(f"{path}/replaced_values").json["replaced_values"]
    assert [value["actual_value"] for value in told] == ["North", "South"]
    wrong = [{"old_value": {"display_value": "North"}, "new_value": {"display_value": "Nowhere"}}]
    answer = crm.post(f"{path}/replace_picklist_values", {"replace_picklist_values": wrong})
    details = answer.json["replace_picklist_values"][0]["details"]
    assert (answer.status, details["json_path"]) == (
        400,
        "$.replace_picklist_values[0].new_value.display_value",
    )
    assert crm.get(f"{path}/replaced_values", job_id="12").json["details"] == {"param_name": "job_id"}


def test_views_that_name_an_option_are_its_associations(crm, regions):
    using(crm, regions)
    north = shown(crm, regions)["pick_list_values"][1]["id"]
    path = f"settings/global_picklists/{regions}/actions/pick_list_values_associations"
    assert crm.get(path, picklist_value_id=north).status == 204
    criteria = {"comparator": "equal", "field": {"api_name": "Region"}, "value": "North"}
    made(crm, "custom_views", "custom_views", {"name": "In the north", "criteria": criteria}, module="Leads")
    [uses] = crm.get(path, picklist_value_id=north).json["pick_list_values_associations"]
    assert [view["name"] for view in uses["resources"]] == ["In the north"]
    assert crm.get(path, picklist_value_id="12").status == 400


def test_an_option_of_one_field_is_replaced(crm):
    [size] = made(
        crm, "fields", "fields",
        {"field_label": "Size", "data_type": "picklist", "pick_list_values": [{"display_value": "Big"}]},
        module="Leads",
    )  # fmt: skip
    crm.insert("Leads", {"Last_Name": "A", "Size": "Huge"})
    body = [{"old_value": {"display_value": "Huge"}, "new_value": {"display_value": "Big"}}]
    path = f"settings/fields/{size}/actions/replace_picklist_values"
    answer = crm.post(path, {"replace_picklist_values": body}, module="Leads")
    work(crm, answer.json["replace_picklist_values"][0]["details"]["job_id"])
    assert crm.get("Leads", fields="Size").data[0]["Size"] == "Big"
