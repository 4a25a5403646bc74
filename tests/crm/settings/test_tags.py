"""The tags of a module: made, changed, deleted, merged and counted. They show everywhere as they are now."""

import pytest

LEADS = {"module": "Leads"}


def made(crm, *tags, module="Leads"):
    answer = crm.post("settings/tags", {"tags": list(tags)}, module=module)
    assert answer.status == 201, answer.body
    return [outcome["details"]["id"] for outcome in answer.json["tags"]]


def tags_of(crm, lead):
    return crm.only(f"Leads/{lead}", fields="Tag")["Tag"]


def listed(crm, **params):
    answer = crm.get("settings/tags", **LEADS, **params)
    return [] if answer.status == 204 else answer.json["tags"]


def error(answer, status=400, index=0):
    assert answer.status == status, answer.body
    body = answer.json
    fault = body if "code" in body else body["tags"][index]
    return fault["code"], fault["details"]


def test_tags_are_made_and_listed(crm, caller_of):
    assert crm.get("settings/tags", **LEADS).status == 204
    [hot] = made(crm, {"name": " Hot ", "color_code": "#f17574"})
    made(caller_of("acme", user=1), {"name": "Cold"})
    made(crm, {"name": "Hot"}, module="Deals")
    answer = crm.get("settings/tags", **LEADS).json
    assert answer["info"] == {"count": 2, "allowed_count": 200}
    first = answer["tags"][0]
    assert (first["id"], first["name"], first["color_code"]) == (hot, "Hot", "#F17574")
    assert first["created_time"] == first["modified_time"] == "2026-02-06T01:10:56-08:00"
    assert (
        first["created_by"]
        == first["modified_by"]
        == {"name": first["created_by"]["name"], "id": first["created_by"]["id"]}
    )
    assert [tag["name"] for tag in listed(crm, my_tags="true")] == ["Hot"]


def test_wrong_tags_are_refused_each_by_itself(crm):
    [hot] = made(crm, {"name": "Hot"})
    place = {"api_name": "name", "json_path": "$.tags[1].name"}
    wrong = {
        "HOT": ("DUPLICATE_DATA", {"id": hot, **place}),
        "a" * 26: ("INVALID_DATA", {"maximum_length": 25, **place}),
        "a,b": ("PATTERN_NOT_MATCHED", place),
        "🔥": ("PATTERN_NOT_MATCHED", place),
        7: ("INVALID_DATA", {"expected_data_type": "text", **place}),
        None: ("MANDATORY_NOT_FOUND", place),
    }
    for number, (name, fault) in enumerate(wrong.items()):
        answer = crm.post("settings/tags", {"tags": [{"name": f"n{number}"}, {"name": name}]}, **LEADS)
        assert error(answer, 207, 1) == fault
    colour = error(crm.post("settings/tags", {"tags": [{"name": "x", "color_code": "#000000"}]}, **LEADS))
    assert colour[1]["json_path"] == "$.tags[0].color_code"
    assert len(colour[1]["supported_values"]) == 13
    assert error(crm.post("settings/tags", {"tags": []}, **LEADS))[0] == "MANDATORY_NOT_FOUND"
    assert error(crm.post("settings/tags", {"tags": [{"name": "x"}]}))[0] == "REQUIRED_PARAM_MISSING"
    assert error(crm.get("settings/tags", module="Notes")) == ("INVALID_MODULE", {"param_name": "module"})


def test_a_module_has_two_hundred_tags(crm):
    for part in range(2):
        made(crm, *({"name": f"{part} {number}"} for number in range(100)))
    answer = crm.post("settings/tags", {"tags": [{"name": "too many"}]}, **LEADS)
    assert error(answer) == (
        "LIMIT_EXCEEDED",
        {"limit": 200, "api_name": "name", "json_path": "$.tags[0].name"},
    )
    answer = crm.post("Leads", {"data": [{"Last_Name": "n", "Tag": [{"name": "0 1"}, {"name": "new"}]}]})
    assert answer.data[0]["details"]["json_path"] == "$.data[0].Tag[1].name"


def test_a_changed_tag_shows_in_every_record_that_has_it(crm):
    hot, cold = made(crm, {"name": "Hot"}, {"name": "Cold"})
    lead, other = crm.insert("Leads", *({"Last_Name": "n", "Tag": [{"id": each}]} for each in (hot, cold)))
    before = crm.only(f"Leads/{lead}", fields="Modified_Time,Tag")
    answer = crm.put(f"settings/tags/{hot}", {"tags": [{"name": "Hotter", "color_code": "#63C57E"}]}, **LEADS)
    assert answer.json["tags"][0]["message"] == "tags updated successfully"
    assert tags_of(crm, lead) == [{"name": "Hotter", "id": hot, "color_code": "#63C57E"}]
    assert tags_of(crm, other) == [{"name": "Cold", "id": cold, "color_code": None}]
    assert crm.only(f"Leads/{lead}", fields="Modified_Time")["Modified_Time"] == before["Modified_Time"]
    found = crm.get("Leads/search", criteria="(Tag:equals:hotter)", fields="id")
    assert [record["id"] for record in found.data] == [lead]
    assert crm.get("Leads/search", criteria="(Tag:equals:Hot)", fields="id").status == 204
    # A colour that is not named is taken away.
    crm.put("settings/tags", {"tags": [{"id": hot}]}, **LEADS)
    assert tags_of(crm, lead) == [{"name": "Hotter", "id": hot, "color_code": None}]
    # The name of another tag is refused, and so are an unknown id and none.
    changes = [{"id": hot, "name": "cold"}, {"id": "1", "name": "a"}, {"name": "b"}]
    answer = crm.put("settings/tags", {"tags": changes}, **LEADS)
    assert [error(answer, index=n)[0] for n in range(3)] == [
        "DUPLICATE_DATA",
        "INVALID_DATA",
        "MANDATORY_NOT_FOUND",
    ]
    assert error(answer)[1]["id"] == cold
    assert (
        error(crm.put(f"settings/tags/{hot}", {"tags": [{"name": "x"}]}, module="Deals"))[0] == "INVALID_DATA"
    )


def test_a_deleted_tag_is_nowhere(crm):
    hot, cold = made(crm, {"name": "Hot"}, {"name": "Cold"})
    both, one = crm.insert(
        "Leads", *({"Last_Name": "n", "Tag": [{"id": t} for t in ids]} for ids in ([hot, cold], [hot]))
    )
    answer = crm.delete(f"settings/tags/{hot}")
    assert answer.json == {
        "tags": [
            {
                "code": "SUCCESS",
                "details": {"id": hot},
                "message": "tags deleted successfully",
                "status": "success",
            }
        ]
    }
    assert [tags_of(crm, lead) for lead in (both, one)] == [
        [{"name": "Cold", "id": cold, "color_code": None}],
        [],
    ]
    assert [tag["id"] for tag in listed(crm)] == [cold]
    assert error(crm.delete(f"settings/tags/{hot}")) == ("INVALID_DATA", {"resource_path_index": 2})


def test_a_tag_is_merged_into_another(crm):
    hot, warm, cold = made(crm, *({"name": name} for name in ("Hot", "Warm", "Cold")))
    own = [[hot], [hot, warm, cold], [warm], [cold]]
    leads = crm.insert("Leads", *({"Last_Name": "n", "Tag": [{"id": tag} for tag in tags]} for tags in own))
    answer = crm.post(f"settings/tags/{hot}/actions/merge", {"tags": [{"conflict_id": warm}]})
    assert (answer.json["tags"][0]["message"], answer.json["tags"][0]["details"]["id"]) == (
        "tags merged successfully",
        warm,
    )
    assert [[tag["id"] for tag in tags_of(crm, lead)] for lead in leads] == [
        [warm],
        [warm, cold],
        [warm],
        [cold],
    ]
    assert [tag["name"] for tag in listed(crm)] == ["Warm", "Cold"]
    count = crm.get(f"settings/tags/{warm}/actions/records_count", **LEADS)
    assert count.json == {"count": "3"}
    assert error(crm.get(f"settings/tags/{hot}/actions/records_count", **LEADS))[0] == "INVALID_DATA"
    [deal] = made(crm, {"name": "Deal"}, module="Deals")
    for conflict in (warm, deal, "1"):
        answer = crm.post(f"settings/tags/{warm}/actions/merge", {"tags": [{"conflict_id": conflict}]})
        assert error(answer) == (
            "INVALID_DATA",
            {"api_name": "conflict_id", "json_path": "$.tags[0].conflict_id"},
        )


def test_a_record_comes_back_from_the_bin_with_its_tags_as_they_are(crm):
    hot, warm, cold, gone = made(crm, *({"name": name} for name in ("Hot", "Warm", "Cold", "Gone")))
    tags = [{"id": tag} for tag in (hot, warm, cold, gone)]
    [lead] = crm.insert("Leads", {"Last_Name": "n", "Tag": tags})
    assert crm.delete(f"Leads/{lead}").status == 200
    crm.put(f"settings/tags/{cold}", {"tags": [{"name": "Colder"}]}, **LEADS)
    crm.post(f"settings/tags/{hot}/actions/merge", {"tags": [{"conflict_id": warm}]})
    crm.delete(f"settings/tags/{gone}")
    assert crm.post(f"settings/recycle_bin/{lead}/actions/restore", {}).status == 200
    assert [tag["name"] for tag in tags_of(crm, lead)] == ["Warm", "Colder"]


def test_many_tags_are_deleted_at_once(crm):
    hot, cold = made(crm, {"name": "Hot"}, {"name": "Cold"})
    [deal] = made(crm, {"name": "Deal"}, module="Deals")
    groups = [
        {"module": {"api_name": "Leads"}, "tags": [{"id": hot}, {"id": "1"}]},
        {"module": {"api_name": "Deals"}, "tags": [{"id": deal}]},
    ]
    answer = crm.post("settings/tags/actions/mass_delete", {"mass_delete": groups})
    assert (answer.status, answer.json["code"]) == (202, "SCHEDULED")
    job = answer.json["details"]["job_id"]
    status = crm.get("settings/tags/actions/mass_delete", job_id=job).json["mass_delete"]
    counts = {"total_count": 3, "failed_count": 1, "deleted_count": 2}
    assert status == [{"job_id": job, **counts, "status": "COMPLETED"}]
    assert [tag["id"] for tag in listed(crm)] == [cold]
    unknown = crm.get("settings/tags/actions/mass_delete", job_id="1")
    assert (unknown.status, unknown.json["mass_delete"][0]["code"]) == (400, "INVALID_DATA")
    assert error(crm.get("settings/tags/actions/mass_delete"))[0] == "REQUIRED_PARAM_MISSING"
    for body, path in (
        ({}, "$.mass_delete"),
        ({"mass_delete": [{"tags": []}]}, "$.mass_delete[0].module"),
        ({"mass_delete": [{"module": {"api_name": "Leads"}}]}, "$.mass_delete[0].tags"),
        ({"mass_delete": [{"module": {"api_name": "No"}, "tags": [{}]}]}, "$.mass_delete[0].module.api_name"),
        ({"mass_delete": [{"module": {"api_name": "Leads"}, "tags": [{}]}]}, "$.mass_delete[0].tags[0].id"),
    ):
        assert error(crm.post("settings/tags/actions/mass_delete", body))[1]["json_path"] == path


@pytest.mark.parametrize("criteria", [{"comparator": "equal", "field": {"api_name": "Tag"}, "value": "Hot"}])
def test_roll_ups_over_a_tag_follow_its_name(crm, criteria):
    rollup = {
        "related_list": {"api_name": "Contacts"},
        "expression": {"function": "count", "criteria": criteria},
    }
    field = {"field_label": "Hot ones", "data_type": "rollup_summary", "rollup_summary": rollup}
    answer = crm.post("settings/fields", {"fields": [field]}, module="Accounts")
    assert answer.status == 201, answer.body
    [account] = crm.insert("Accounts", {"Account_Name": "a"})
    crm.insert("Contacts", {"Last_Name": "n", "Account_Name": {"id": account}, "Tag": [{"name": "Hot"}]})
    [hot] = [tag["id"] for tag in crm.get("settings/tags", module="Contacts").json["tags"]]
    assert crm.only(f"Accounts/{account}", fields="Hot_ones")["Hot_ones"] == 1
    crm.put(f"settings/tags/{hot}", {"tags": [{"name": "Cold"}]}, module="Contacts")
    assert crm.only(f"Accounts/{account}", fields="Hot_ones")["Hot_ones"] == 0
