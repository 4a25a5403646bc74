"""Tags of records: in the records themselves, and by the calls that add and remove them."""

import json

TAGS = [{"name": "Hot"}, {"name": "New"}]


def names(crm, lead):
    return [tag["name"] for tag in crm.only(f"Leads/{lead}", fields="Tag")["Tag"]]


def leads(crm, *tags):
    return crm.insert(
        "Leads", *({"Last_Name": "n", "Tag": [{"name": name} for name in each]} for each in tags)
    )


def known(crm):
    return {tag["name"]: tag["id"] for tag in crm.get("settings/tags", module="Leads").json["tags"]}


def test_records_name_tags_by_name_and_by_id(crm):
    first, second = leads(crm, ["Hot"], ["hot", "HOT", "Cold"])
    tags = known(crm)
    assert list(tags) == ["Hot", "Cold"]
    assert names(crm, second) == ["Hot", "Cold"]
    crm.put(f"Leads/{first}", {"data": [{"Tag": [{"id": tags["Cold"], "name": "ignored"}]}]})
    assert names(crm, first) == ["Cold"]
    crm.put(f"Leads/{first}", {"data": [{"Tag": [{"name": "Hot"}], "$append_values": {"Tag": True}}]})
    assert names(crm, first) == ["Cold", "Hot"]
    crm.put(f"Leads/{first}", {"data": [{"Tag": []}]})
    assert names(crm, first) == []
    # Another organisation's id does not count if there is a name.
    crm.put(f"Leads/{first}", {"data": [{"Tag": [{"id": "7", "name": "Cold"}]}]})
    assert names(crm, first) == ["Cold"]
    answer = crm.put(f"Leads/{first}", {"data": [{"Tag": [{"id": "7"}]}]})
    assert answer.data[0]["details"] == {"api_name": "id", "json_path": "$.data[0].Tag[0].id"}


def test_a_tag_of_a_record_may_have_any_letters_and_commas(crm):
    [first] = leads(crm, ["Ünïcode, tag"])
    assert names(crm, first) == ["Ünïcode, tag"]
    answer = crm.post("Leads", {"data": [{"Last_Name": "n", "Tag": [{"name": "<b>"}]}]})
    assert answer.data[0]["code"] == "PATTERN_NOT_MATCHED"


def test_a_refused_record_makes_no_tag(crm):
    leads(crm, ["Hot"])
    tags = [{"name": f"t{number}"} for number in range(11)]
    answer = crm.post("Leads", {"data": [{"Tag": [{"name": "New"}]}, {"Last_Name": "n", "Tag": tags}]})
    assert [outcome["code"] for outcome in answer.data] == ["MANDATORY_NOT_FOUND", "LIMIT_EXCEEDED"]
    assert list(known(crm)) == ["Hot"]


def test_tags_are_added_to_many_records_and_removed(crm):
    first, second = leads(crm, ["Old"], [])
    answer = crm.post("Leads/actions/add_tags", {"tags": TAGS, "ids": [first, second, "1"]})
    assert answer.status == 207
    tags = known(crm)
    assert answer.json["data"][0] == {
        "code": "SUCCESS",
        "details": {
            "id": first,
            "tags": [{"name": name, "id": tags[name], "color_code": None} for name in ("Old", "Hot", "New")],
        },
        "message": "tags updated successfully",
        "status": "success",
    }
    assert answer.json["data"][2]["details"] == {"id": "1"}
    assert {key: answer.json[key] for key in ("wf_scheduler", "success_count", "locked_count")} == {
        "wf_scheduler": False,
        "success_count": "2",
        "locked_count": "0",
    }
    gone = {
        "tags": [{"id": tags["Old"]}, {"name": "hot"}, {"name": "no such tag"}],
        "ids": json.dumps([first]),
    }
    assert crm.post("Leads/actions/remove_tags", gone).status == 200
    assert names(crm, first) == ["New"]
    assert "no such tag" not in known(crm)


def test_tags_of_one_record_are_added_removed_and_replaced(crm):
    [lead] = leads(crm, ["Old"])
    assert crm.post(f"Leads/{lead}/actions/add_tags", {"tags": TAGS}).status == 200
    assert crm.post(f"Leads/{lead}/actions/remove_tags", {"tags": [{"name": "Old"}]}).status == 200
    assert names(crm, lead) == ["Hot", "New"]
    crm.post(f"Leads/{lead}/actions/add_tags", {"tags": [{"name": "Only"}], "over_write": True})
    assert names(crm, lead) == ["Only"]
    crm.post(f"Leads/{lead}/actions/add_tags", {"tags": TAGS}, over_write="true")
    assert names(crm, lead) == ["Hot", "New"]
    unknown = crm.post("Leads/1/actions/add_tags", {"tags": TAGS})
    assert (unknown.status, unknown.data[0]["details"]) == (400, {"resource_path_index": 1})


def test_a_record_has_ten_tags_at_most(crm):
    [lead] = leads(crm, [f"t{number}" for number in range(9)])
    answer = crm.post(
        f"Leads/{lead}/actions/add_tags", {"tags": [{"name": "t0"}, {"name": "a"}, {"name": "b"}]}
    )
    assert answer.data[0]["code"] == "LIMIT_EXCEEDED"
    assert answer.data[0]["details"] == {"limit": 10, "api_name": "tags", "json_path": "$.tags"}
    assert crm.post(f"Leads/{lead}/actions/add_tags", {"tags": [{"name": "t0"}, {"name": "a"}]}).status == 200


def test_a_colour_is_for_new_tags(crm):
    [lead] = leads(crm, ["Hot"])
    coloured = [{"name": "New", "color_code": "#57B1FD"}, {"name": "Hot", "color_code": "#57B1FD"}]
    answer = crm.post(f"Leads/{lead}/actions/add_tags", {"tags": coloured})
    assert (answer.status, answer.json["code"]) == (400, "MAPPING_MISMATCH")
    assert answer.json["details"] == {"api_name": "color_code", "json_path": "$.tags[1].color_code"}
    crm.post(f"Leads/{lead}/actions/add_tags", {"tags": coloured[:1]})
    assert crm.only(f"Leads/{lead}", fields="Tag")["Tag"][1]["color_code"] == "#57B1FD"


def test_wrong_calls_are_refused_whole(crm):
    [lead] = leads(crm, [])
    for body, details in (
        ({"ids": [lead]}, {"api_name": "tags", "json_path": "$.tags"}),
        ({"tags": TAGS}, {"api_name": "ids", "json_path": "$.ids"}),
        ({"tags": TAGS, "ids": [lead, "x"]}, {"api_name": "ids", "json_path": "$.ids[1]"}),
        (
            {"tags": TAGS, "ids": [lead] * 501},
            {"maximum_length": 500, "api_name": "ids", "json_path": "$.ids"},
        ),
        ({"tags": [{"id": "x"}], "ids": [lead]}, {"api_name": "id", "json_path": "$.tags[0].id"}),
    ):
        answer = crm.post("Leads/actions/add_tags", body)
        assert (answer.status, answer.json["details"]) == (400, details)
    assert crm.post("Notes/actions/add_tags", {"tags": TAGS, "ids": [lead]}).json["code"] == "INVALID_MODULE"


def test_older_versions_name_tags_in_the_query(crm):
    first, second = leads(crm, [], [])
    path = "/crm/v2/Leads/actions/add_tags"
    answer = crm.call(
        "POST", path, {"tag_names": "Hot,New", "ids": f"{first},{second}", "over_write": "true"}
    )
    assert answer.status == 200, answer.body
    assert names(crm, second) == ["Hot", "New"]
    crm.call("POST", f"/crm/v3/Leads/{first}/actions/remove_tags", {"tag_names": "Hot"})
    assert names(crm, first) == ["New"]


def test_tags_count_as_a_change_of_the_record(crm, clock):
    [lead] = leads(crm, [])
    clock.advance(60)
    crm.post(f"Leads/{lead}/actions/add_tags", {"tags": TAGS})
    times = crm.only(f"Leads/{lead}", fields="Created_Time,Modified_Time")
    assert times["Modified_Time"] > times["Created_Time"]
