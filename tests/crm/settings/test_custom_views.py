"""Views that users make: made, changed, sorted, deleted, and seen by those for whom they are."""

import pytest

PATH = "settings/custom_views"
LARGE = {"comparator": "greater_than", "field": {"api_name": "Amount"}, "value": 100}


@pytest.fixture
def make(crm):
    """Make views of Deals; gives the outcomes."""

    def make(*views, caller=crm, module="Deals"):
        return caller.post(PATH, {"custom_views": list(views)}, module=module)

    return make


@pytest.fixture
def made(make):
    """Make one view, which has to be right; gives its id."""

    def made(caller=None, **members):
        answer = make({"name": "Large", **members}, **({"caller": caller} if caller else {}))
        assert answer.status == 201, answer.body
        return answer.json["custom_views"][0]["details"]["id"]

    return made


def view_of(caller, view):
    answer = caller.get(f"{PATH}/{view}", module="Deals")
    return answer.json["custom_views"][0] if answer.status == 200 else None


def test_a_view_is_made_and_read(crm, made, clock):
    columns = [{"api_name": "Deal_Name", "_pin": True}, {"api_name": "Amount"}]
    view = made(criteria=LARGE, fields=columns, sort_by={"api_name": "Amount"}, sort_order="desc")
    shown = view_of(crm, view)
    field = {"api_name": "Amount", "id": shown["fields"][1]["id"]}
    assert [(column["api_name"], column["_pin"]) for column in shown["fields"]] == [
        ("Deal_Name", True),
        ("Amount", False),
    ]
    assert shown["criteria"] == LARGE | {"field": field, "type": "value"}
    assert (shown["sort_by"], shown["sort_order"]) == (field, "desc")
    assert (shown["category"], shown["access_type"], shown["shared_to"]) == (
        "created_by_me",
        "only_to_me",
        None,
    )
    assert shown["system_defined"] is False and shown["created_time"] == "2026-02-06T01:10:56-08:00"
    listed = crm.get(PATH, module="Deals").json["custom_views"][-1]
    assert (listed["id"], listed["name"]) == (view, "Large")
    assert "criteria" not in listed

    deals = [
        {"Deal_Name": f"d{amount}", "Stage": "Qualification", "Amount": amount} for amount in (150, 90, 200)
    ]
    crm.insert("Deals", *(deal | {"Closing_Date": "2026-03-01"} for deal in deals))
    listing = crm.get("Deals", fields="Deal_Name", cvid=view)
    assert [deal["Deal_Name"] for deal in listing.data] == ["d200", "d150"]
    assert crm.get("Deals/actions/count", cvid=view).json == {"count": 2}


def test_a_view_is_changed_sorted_and_deleted(crm, made):
    view = made(criteria=LARGE, sort_by={"api_name": "Amount"})
    change = {"name": "All large", "criteria": None, "fields": [{"api_name": "Stage"}]}
    answer = crm.put(f"{PATH}/{view}", {"custom_views": [change]}, module="Deals")
    assert (answer.status, answer.json["custom_views"][0]["message"]) == (200, "custom view updated")
    shown = view_of(crm, view)
    assert (shown["name"], shown["display_value"], shown["criteria"]) == ("All large", "All large", None)
    assert (shown["sort_by"]["api_name"], shown["sort_order"]) == ("Amount", "asc")

    by_stage = {"sort_by": {"api_name": "Stage"}, "sort_order": "desc"}
    assert (
        crm.put(f"{PATH}/{view}/actions/change_sort", {"custom_views": [by_stage]}, module="Deals").status
        == 200
    )
    assert view_of(crm, view)["sort_by"]["api_name"] == "Stage"
    system = crm.get(PATH, module="Deals").json["custom_views"][0]["id"]
    both = [{"id": view, "sort_by": {"api_name": "id"}, "sort_order": "asc"}, {"id": system} | by_stage]
    assert crm.put(f"{PATH}/actions/change_sort", {"custom_views": both}, module="Deals").status == 200
    assert view_of(crm, system)["sort_by"]["api_name"] == "Stage"

    answer = crm.delete(PATH, module="Deals", ids=f"{view},{system}")
    codes = [outcome["code"] for outcome in answer.json["custom_views"]]
    assert (answer.status, codes) == (207, ["SUCCESS", "NOT_ALLOWED"])
    assert view_of(crm, view) is None
    assert crm.get("Deals", fields="id", cvid=view).status == 400
    again = crm.delete(f"{PATH}/{view}", module="Deals")
    assert (again.status, again.json["custom_views"][0]["details"]) == (400, {"id": view})


def at(name, place=""):
    return {"api_name": name, "json_path": f"$.custom_views[0]{place}.{name}"}


REFUSED = [
    ({}, "MANDATORY_NOT_FOUND", at("name")),
    ({"name": "all open deals"}, "SUCCESS", None),
    ({"name": "ALL DEALS"}, "DUPLICATE_DATA", at("name")),
    ({"name": "x" * 101}, "INVALID_DATA", {"maximum_length": 100, **at("name")}),
    ({"name": "a", "fields": [{"api_name": "Nope"}]}, "INVALID_DATA", at("api_name", ".fields[0]")),
    ({"name": "a", "fields": []}, "MANDATORY_NOT_FOUND", at("fields")),
    ({"name": "a", "sort_by": {"api_name": "Tag"}}, "INVALID_DATA", at("api_name", ".sort_by")),
    (
        {"name": "a", "sort_order": "up"},
        "INVALID_DATA",
        {"supported_values": ["asc", "desc"], **at("sort_order")},
    ),
    ({"name": "a", "access_type": "shared"}, "MANDATORY_NOT_FOUND", at("shared_to")),
    (
        {"name": "a", "access_type": "shared", "shared_to": [{"type": "users", "id": "1"}]},
        "INVALID_DATA",
        at("id", ".shared_to[0]"),
    ),
    (
        {"name": "a", "criteria": {"comparator": "equal", "field": {"api_name": "Nope"}, "value": 1}},
        "INVALID_DATA",
        {"reason": "Please check the value of the field", "field": "Nope", **at("criteria")},
    ),
    ({"name": "a", "cross_filters": [{}]}, "NOT_SUPPORTED", at("cross_filters")),
]


def test_what_is_wrong_with_a_view_is_said_with_its_place(make):
    for view, code, details in REFUSED:
        outcome = make(view).json["custom_views"][0]
        assert outcome["code"] == code, outcome
        if details is not None and "reason" not in details:
            assert outcome["details"] == details
        elif details is not None:
            assert outcome["details"].keys() == details.keys() and outcome["details"]["field"] == "Nope"
    answer = make({"name": "one"}, {"name": "ONE"})
    assert answer.status == 207
    assert [outcome["status"] for outcome in answer.json["custom_views"]] == ["success", "error"]
    assert make(module="Deals").status == 400
    assert make({"name": "a"}, module="Home").json["code"] == "INVALID_MODULE"


def test_a_view_is_seen_by_those_for_whom_it_is(crm, made, caller_of):
    other = caller_of("acme", user=2)
    role = crm.get("users").json["users"][2]["role"]["id"]
    own, public = made(), made(name="Public", access_type="public", locked=True)
    shared = made(name="Shared", access_type="shared", shared_to=[{"type": "roles", "id": role}])
    theirs = made(other, name="Theirs")
    assert view_of(other, own) is None
    assert other.get("Deals", fields="id", cvid=own).status == 400
    query = {"select_query": f"select id from Deals#{own} where id is not null"}
    assert other.post("coql", query).json["code"] == "INVALID_QUERY"
    categories = [view_of(other, view)["category"] for view in (public, shared, theirs)]
    assert categories == ["public_views", "shared_with_me", "created_by_me"]
    assert view_of(crm, theirs)["category"] == "other_users_views"  # An administrator sees all.
    assert own not in [view["id"] for view in other.get(PATH, module="Deals").json["custom_views"]]

    hidden, locked, foreign = (
        other.put(f"{PATH}/{view}", {"custom_views": [{"name": "Mine"}]}, module="Deals")
        for view in (own, public, shared)
    )
    outcome = hidden.json["custom_views"][0]
    message = "The provided CustomView is either invalid or already Deleted"
    assert (hidden.status, outcome["code"], outcome["message"]) == (400, "INVALID_DATA", message)
    for answer, text in (
        (locked, "Permission denied. Locked custom views cannot be customized."),
        (foreign, "permission denied"),
    ):
        outcome = answer.json["custom_views"][0]
        assert (answer.status, outcome["code"], outcome["message"]) == (403, "NO_PERMISSION", text)


def test_a_field_that_a_view_shows_can_not_be_deleted(crm, made):
    field = {"field_label": "Berth", "data_type": "text", "length": 20}
    field_id = crm.post("settings/fields", {"fields": [field]}, module="Deals").json["fields"][0]["details"][
        "id"
    ]
    view = made(fields=[{"id": field_id}])
    assert crm.delete(f"settings/fields/{field_id}", module="Deals").json["code"] == "NOT_ALLOWED"
    assert view_of(crm, view)["fields"][0]["api_name"] == "Berth"
    crm.delete(f"{PATH}/{view}", module="Deals")
    assert crm.delete(f"settings/fields/{field_id}", module="Deals").status == 200
