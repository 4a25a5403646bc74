"""What repeats inside a record has a limit, and is counted before it is looked at."""

import time

import pytest


def refusal(crm, module, record):
    answer = crm.post(module, {"data": [record]})
    assert answer.status == 400, answer.body[:300]
    (outcome,) = answer.data
    return outcome["code"], outcome["message"], outcome["details"]


def at(name, **more):
    return {**more, "api_name": name, "json_path": f"$.data[0].{name}"}


def test_a_record_has_ten_tags(crm):
    tags = [{"name": f"t{n}"} for n in range(10)]
    (lead,) = crm.insert("Leads", {"Last_Name": "x", "Tag": tags})
    assert [tag["name"] for tag in crm.only(f"Leads/{lead}")["Tag"]] == [f"t{n}" for n in range(10)]
    eleven = [*tags, {"name": "t10"}]
    refused = ("LIMIT_EXCEEDED", "limit exceeded", at("Tag", limit=10))
    assert refusal(crm, "Leads", {"Last_Name": "x", "Tag": eleven}) == refused
    (outcome,) = crm.put(f"Leads/{lead}", {"data": [{"Tag": eleven}]}).data
    assert (outcome["code"], outcome["details"]) == ("LIMIT_EXCEEDED", at("Tag", limit=10))
    assert len(crm.only(f"Leads/{lead}")["Tag"]) == 10


def test_the_name_of_a_tag_has_twenty_five_characters(crm):
    crm.insert("Leads", {"Last_Name": "x", "Tag": [{"name": "t" * 25}]})
    details = {"maximum_length": 25, "api_name": "name", "json_path": "$.data[0].Tag[0].name"}
    refused = refusal(crm, "Leads", {"Last_Name": "x", "Tag": [{"name": "t" * 26}]})
    assert refused == ("INVALID_DATA", "invalid data", details)


# A module, a field of it that is a list, and a record beside it.
LISTS = {
    "a multi-select": ("Price_Books", "Pricing_Details", {"Price_Book_Name": "x"}, {"from_range": 1}),
    "participants": (
        "Events",
        "Participants",
        {
            "Event_Title": "x",
            "Start_DateTime": "2026-02-06T10:00:00Z",
            "End_DateTime": "2026-02-06T11:00:00Z",
        },
        {"type": "email"},
    ),
    "lines": ("Quotes", "Quoted_Items", {"Subject": "x"}, {"Quantity": 1}),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_two_hundred_items(crm, name):
    module, field, record, item = LISTS[name]
    refused = refusal(crm, module, record | {field: [item] * 201})
    assert refused == ("INVALID_DATA", "invalid data", at(field, maximum_length=200))


def multi_select(crm):
    """A module and a field of it that holds several values, and a record of it."""
    for module, record in (
        ("Leads", {"Last_Name": "x"}),
        ("Services__s", {"Service_Name": "x", "Duration": 60}),
    ):
        fields = crm.get("settings/fields", module=module).json["fields"]
        for field in fields:
            if field["data_type"] == "multiselectpicklist" and field["operation_type"]["api_create"]:
                return module, field["api_name"], record
    pytest.skip("no module has such a field")


def test_values_that_are_added_to_a_list_count_with_those_that_are_there(crm):
    module, field, record = multi_select(crm)
    (record_id,) = crm.insert(module, record | {field: [f"a{n}" for n in range(150)]})
    more = {field: [f"b{n}" for n in range(51)], "$append_values": {field: True}}
    (answer,) = crm.put(f"{module}/{record_id}", {"data": [more]}).data
    assert (answer["code"], answer["details"]) == ("INVALID_DATA", at(field, maximum_length=200))
    same = {field: [f"a{n}" for n in range(150)], "$append_values": {field: True}}
    assert crm.put(f"{module}/{record_id}", {"data": [same]}).status == 200


def test_every_text_of_a_record_has_a_length_so_that_all_of_it_has(crm, service):
    catalog = service.organisations.open(crm.organisation).catalog
    sizes = {
        module.api_name: sum(field.length for field in module.fields.values() if field.storage == "text")
        for module in catalog.modules.values()
    }
    texts = [
        field
        for module in catalog.modules.values()
        for field in module.fields.values()
        if field.storage == "text"
    ]
    assert all(
        field.length and field.length <= 50_000 for field in texts if field.creatable or field.updatable
    )
    assert max(sizes.values()) < 200_000


@pytest.mark.parametrize("name", ["Tag", "Participants", "Quoted_Items"])
def test_very_many_items_cost_no_more_than_reading_them(kept_crm, name):
    module, record = {
        "Tag": ("Leads", {"Last_Name": "x"}),
        "Participants": ("Events", LISTS["participants"][2]),
        "Quoted_Items": ("Quotes", {"Subject": "x"}),
    }[name]
    record = record | {name: [{"name": f"t{n}"} for n in range(9_000)]}
    began = time.process_time()
    assert kept_crm.post(module, {"data": [record]}).status == 400
    assert time.process_time() - began < 2
