"""Notes: a module of records, each of which belongs to a record of another module."""

import pytest


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Smith"})[0]


@pytest.fixture
def module(crm):
    """The id of a module."""
    return lambda name: str(crm.service.organisations.open(crm.organisation).catalog.modules[name].id)


def test_it_shows_its_parent_with_the_module(crm, lead, module):
    parent = {"module": {"api_name": "Leads"}, "id": lead}
    (note,) = crm.insert("Notes", {"Parent_Id": parent, "Note_Title": "Call", "Note_Content": "Nice"})
    answer = crm.only(f"Notes/{note}")
    assert answer["Parent_Id"] == {
        "module": {"api_name": "Leads", "id": module("Leads")}, "name": "Smith", "id": lead,
    }  # fmt: skip
    assert answer["$se_module"] == "Leads"
    shown = {name: answer[name] for name in ("$attachments", "$voice_note", "$is_shared_to_client", "$state")}
    assert shown == {
        "$attachments": None, "$voice_note": False, "$is_shared_to_client": False, "$state": "save",
    }  # fmt: skip
    assert crm.get("Notes", fields="Parent_Id").data[0]["Parent_Id"] == answer["Parent_Id"]


def test_the_parent_may_be_named_in_every_form_that_was_ever_documented(crm, lead, module):
    forms = [
        {"Parent_Id": {"module": {"api_name": "Leads"}, "id": lead}},
        {"Parent_Id": {"module": {"id": module("Leads")}, "id": int(lead)}},
        {"Parent_Id": {"module": "Leads", "id": lead}},
        {"Parent_Id": {"id": lead}, "$se_module": "Leads"},
        {"Parent_Id": lead, "se_module": "Leads"},
        {"Parent_Id": lead},
    ]
    for note in crm.insert("Notes", *[{"Note_Content": "x"} | form for form in forms]):
        assert crm.only(f"Notes/{note}")["Parent_Id"]["id"] == lead


@pytest.mark.parametrize(
    "parent",
    [
        {"Parent_Id": {"module": {"api_name": "Deals"}}},
        {"Parent_Id": {"module": {"api_name": "Nothing"}}},
        {"Parent_Id": {}, "$se_module": "Deals"},
        {"Parent_Id": {"id": "999"}},
    ],
)
def test_a_parent_that_is_not_there_is_refused(crm, lead, parent):
    parent["Parent_Id"] = {"id": lead} | parent["Parent_Id"]
    answer = crm.post("Notes", {"data": [{"Note_Content": "x"} | parent]})
    assert answer.status == 400
    assert answer.data[0] == {
        "code": "INVALID_DATA", "details": {"api_name": "Parent_Id", "json_path": "$.data[0].Parent_Id"},
        "message": "the related id given seems to be invalid", "status": "error",
    }  # fmt: skip


def test_a_title_or_a_content_is_enough(crm, lead):
    (note,) = crm.insert("Notes", {"Parent_Id": lead, "Note_Title": "Call"})
    crm.insert("Notes", {"Parent_Id": lead, "Note_Content": "Nice"})
    places = [{"api_name": name, "json_path": f"$.data[0].{name}"} for name in ("Note_Content", "Note_Title")]
    neither = [
        crm.post("Notes", {"data": [{"Parent_Id": lead, "Note_Content": " "}]}),
        crm.put(f"Notes/{note}", {"data": [{"Note_Title": None}]}),
    ]
    for answer in neither:
        assert answer.data[0] == {
            "code": "EXPECTED_FIELD_MISSING", "details": {"expected_fields": places},
            "message": "should contain either content or title", "status": "error",
        }  # fmt: skip


def test_only_what_it_says_can_change(crm, lead):
    (other,) = crm.insert("Leads", {"Last_Name": "Other"})
    (note,) = crm.insert("Notes", {"Parent_Id": lead, "Note_Content": "Nice"})
    before = crm.only(f"Notes/{note}")
    users = crm.get("users", type="ActiveUsers").json["users"]
    change = {"Parent_Id": other, "Owner": users[1]["id"], "Note_Content": "Nicer"}
    assert crm.put(f"Notes/{note}", {"data": [change]}).status == 200
    assert crm.only(f"Notes/{note}") == before | {"Note_Content": "Nicer"}


def test_they_are_listed_oldest_first(crm, clock, lead):
    for text in "abc":
        crm.insert("Notes", {"Parent_Id": lead, "Note_Content": text})
        clock.advance(1)
    answer = crm.get("Notes", fields="Note_Content", per_page=2)
    info = answer.json["info"]
    assert (info["sort_by"], info["sort_order"]) == ("Created_Time", "asc")
    rest = crm.get("Notes", fields="Note_Content", per_page=2, page_token=info["next_page_token"])
    assert [record["Note_Content"] for record in answer.data + rest.data] == ["a", "b", "c"]
    latest = crm.get("Notes", fields="Note_Content", sort_by="id", sort_order="desc").data
    assert latest[0]["Note_Content"] == "c"


ALL_TOGETHER = {
    "list": ("Notes", {"fields": "id"}),
    "search": ("Notes/search", {"word": "nice"}),
    "count": ("Notes/actions/count", {}),
    "count of a search": ("Notes/actions/count", {"criteria": "(Note_Content:equals:nice)"}),
    "deleted": ("Notes/deleted", {}),
}


@pytest.mark.parametrize("operation", ALL_TOGETHER)
def test_all_of_them_together_are_for_administrators(crm, lead, caller_of, operation):
    note, gone = crm.insert("Notes", *[{"Parent_Id": lead, "Note_Content": "nice"}] * 2)
    assert crm.delete(f"Notes/{gone}").status == 200
    users = crm.service.organisations.open(crm.organisation).metadata.all("user")
    profiles = [user.body["profile"]["name"] for user in users]
    scope = "ZohoCRM.modules.ALL,ZohoSearch.securesearch.READ,ZohoCRM.settings.layouts.READ"
    standard = caller_of("acme", scope, profiles.index("Standard"))
    path, params = ALL_TOGETHER[operation]
    refused = standard.get(path, **params)
    assert refused.status == 403
    assert refused.json == {
        "code": "NOT_SUPPORTED", "details": {}, "message": "This API is supported only for admin users.",
        "status": "error",
    }  # fmt: skip
    assert standard.get(f"Notes/{note}").status == 200
    assert crm.get(path, **params).status == 200
