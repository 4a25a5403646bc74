"""Notes: a module of records, each of which belongs to a record of another module."""

import pytest

from tests.crm.uploads import upload


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


class TestOfARecord:
    """Notes through the record that they belong to."""

    @pytest.fixture
    def other(self, crm):
        return crm.insert("Leads", {"Last_Name": "Other"})[0]

    def add(self, crm, lead, *texts):
        answer = crm.post(f"Leads/{lead}/Notes", {"data": [{"Note_Content": text} for text in texts]})
        assert answer.status == 201, answer.body
        return [outcome["details"]["id"] for outcome in answer.data]

    def texts(self, crm, lead):
        answer = crm.get(f"Leads/{lead}/Notes", fields="Note_Content")
        return [note["Note_Content"] for note in answer.data] if answer.body else []

    def test_they_belong_to_the_record_of_the_path_and_to_no_other(self, crm, clock, lead, other):
        said = {"data": [{"Note_Title": "Tide", "Note_Content": "High at 4 🌊", "Parent_Id": other}]}
        answer = crm.post(f"Leads/{lead}/Notes", said)
        assert (answer.status, answer.data[0]["message"]) == (201, "record added")
        clock.advance(1)
        self.add(crm, lead, "Later")
        shown = crm.get(f"Leads/{lead}/Notes", fields="Note_Title,Note_Content,Parent_Id")
        assert [note["Note_Content"] for note in shown.data] == ["High at 4 🌊", "Later"]
        assert (shown.data[0]["Parent_Id"]["id"], shown.data[0]["Note_Title"]) == (lead, "Tide")
        info = shown.json["info"]
        assert (info["sort_by"], info["sort_order"], info["count"]) == ("Created_Time", "asc", 2)
        assert crm.get(f"Leads/{other}/Notes", fields="id").status == 204
        (note,) = crm.get(f"Leads/{lead}/Notes/{shown.data[0]['id']}").data
        assert note["$se_module"] == "Leads"

    def test_pages_follow_by_token_and_the_token_is_for_this_record(self, crm, clock, lead, other):
        for text in "abc":
            self.add(crm, lead, text)
            clock.advance(1)
        asked = {"fields": "Note_Content", "per_page": 2}
        first = crm.get(f"Leads/{lead}/Notes", **asked)
        token = first.json["info"]["next_page_token"]
        rest = crm.get(f"Leads/{lead}/Notes", **asked, page_token=token)
        assert [note["Note_Content"] for note in first.data + rest.data] == ["a", "b", "c"]
        assert crm.get(f"Leads/{other}/Notes", **asked, page_token=token).status == 400
        chosen = crm.get(f"Leads/{lead}/Notes", fields="id", ids=rest.data[0]["id"])
        assert [note["id"] for note in chosen.data] == [rest.data[0]["id"]]

    def test_they_are_changed_and_deleted_through_their_record_alone(self, crm, lead, other):
        first, second, third = self.add(crm, lead, "a", "b", "c")
        (strange,) = self.add(crm, other, "x")
        change = {"data": [{"id": first, "Note_Content": "A"}, {"id": strange, "Note_Content": "X"}]}
        changed = crm.put(f"Leads/{lead}/Notes", change)
        assert (changed.status, [o["code"] for o in changed.data]) == (207, ["SUCCESS", "INVALID_DATA"])
        assert crm.put(f"Leads/{lead}/Notes/{second}", {"data": [{"Note_Content": "B"}]}).status == 200
        refused = crm.put(f"Leads/{lead}/Notes/{strange}", {"data": [{"Note_Content": "X"}]})
        assert refused.data[0]["details"] == {"resource_path_index": 3}
        gone = crm.delete(f"Leads/{lead}/Notes", ids=f"{third},{strange}")
        assert [(o["code"], o["details"]) for o in gone.data] == [
            ("SUCCESS", {"id": third}), ("INVALID_DATA", {"id": strange}),
        ]  # fmt: skip
        assert crm.delete(f"Leads/{lead}/Notes/{strange}").json["details"] == {"resource_path_index": 3}
        assert (self.texts(crm, lead), self.texts(crm, other)) == (["A", "B"], ["x"])
        assert crm.delete(f"Leads/{lead}/Notes/{first}").status == 200
        assert crm.get(f"Leads/{lead}/Notes/{first}").status == 204
        assert crm.get(f"Leads/{other}/Notes/{second}").status == 204

    @pytest.mark.parametrize("parent", ["7243485000000999999", "abc"])
    def test_without_their_record_nothing_is_read_or_written(self, crm, lead, parent):
        (note,) = self.add(crm, lead, "a")
        sent = {"data": [{"id": note, "Note_Content": "x"}]}
        refused = [
            crm.get(f"Leads/{parent}/Notes", fields="id"),
            crm.get(f"Leads/{parent}/Notes/{note}"),
            crm.post(f"Leads/{parent}/Notes", sent),
            crm.put(f"Leads/{parent}/Notes", sent),
            crm.put(f"Leads/{parent}/Notes/{note}", sent),
            crm.delete(f"Leads/{parent}/Notes", ids=note),
            crm.delete(f"Leads/{parent}/Notes/{note}"),
        ]
        assert [answer.json for answer in refused] == 7 * [
            {
                "code": "INVALID_DATA", "details": {"resource_path_index": 1},
                "message": "the related id given seems to be invalid", "status": "error",
            }
        ]  # fmt: skip
        assert len(crm.get("Notes", fields="id").data) == 1
        assert crm.delete(f"Leads/{lead}").status == 200
        assert crm.get(f"Leads/{lead}/Notes", fields="id").status == 400

    def test_some_modules_have_none(self, crm, lead):
        (note,) = self.add(crm, lead, "a")
        refused = crm.get(f"Notes/{note}/Notes", fields="id")
        assert (refused.status, refused.json["details"]) == (400, {"resource_path_index": 2})
        assert refused.json["message"] == "The related name given seems to be invalid"

    def test_who_is_no_administrator_reads_those_of_a_record(self, crm, lead, caller_of):
        self.add(crm, lead, "a")
        users = crm.service.organisations.open(crm.organisation).metadata.all("user")
        standard = [user.body["profile"]["name"] for user in users].index("Standard")
        assert self.texts(caller_of("acme", "ZohoCRM.modules.ALL", standard), lead) == ["a"]

    def test_nothing_is_said_again_if_nothing_has_changed(self, crm, clock, lead):
        (note,) = self.add(crm, lead, "a")
        clock.advance(10)
        for path in (f"Leads/{lead}/Notes", f"Leads/{lead}/Notes/{note}"):
            at = {"If-Modified-Since": "2026-02-06T01:10:57-08:00"}
            assert crm.get(path, at, fields="id").status == 304
            at = {"If-Modified-Since": "2026-02-06T01:10:56-08:00"}
            assert crm.get(path, at, fields="id").status == 200

    def test_older_versions_show_them_in_their_own_way(self, crm, lead):
        path = f"/crm/v2/leads/{lead}/Notes"
        added = crm.call("POST", path, {}, {"data": [{"Note_Content": "a"}]})
        assert added.status == 201
        answer = crm.call("GET", path)
        assert answer.json["info"].keys() == {"per_page", "count", "page", "more_records"}
        assert (answer.data[0]["Parent_Id"], answer.data[0]["$approved"]) == (
            {"name": "Smith", "id": lead}, True,
        )  # fmt: skip
        one = crm.call("GET", f"/crm/v6/Leads/{lead}/Notes/{answer.data[0]['id']}")
        assert "module" not in one.data[0]["Parent_Id"]
        assert "module" in crm.get(f"Leads/{lead}/Notes", fields="Parent_Id").data[0]["Parent_Id"]


def test_a_note_shows_its_attachments(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Gill"})
    made = crm.post(f"Leads/{lead}/Notes", {"data": [{"Note_Content": text} for text in ("a", "b")]})
    other, first = (each["details"]["id"] for each in made.data)
    attached = upload(crm, f"Notes/{first}/Attachments", b"bytes", b"plan.txt")
    notes = crm.get(f"Leads/{lead}/Notes", fields="$attachments").data
    shown = {note["id"]: note["$attachments"] for note in notes}
    (attachment,) = shown[first]
    key = attachment.pop("$file_id")
    assert attachment == {"File_Name": "plan.txt", "Size": "5", "id": attached["id"]} and key
    assert shown[other] is None
    assert crm.only(f"Notes/{first}")["$attachments"][0]["id"] == attached["id"]
    assert crm.get("Notes", fields="$attachments").data[1]["$attachments"][0]["$file_id"] == key
