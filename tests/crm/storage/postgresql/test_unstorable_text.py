"""Text that PostgreSQL can't hold is refused before it gets there: a NUL, and half of a surrogate pair."""

import json

import pytest


@pytest.fixture
def storage_kind():
    return "postgresql"


UNSTORABLE = ["a\0b", "\0", "a\ud800b", "\udfff"]


@pytest.mark.parametrize("text", UNSTORABLE, ids=ascii)
def test_it_is_not_written(crm, text):
    body = json.dumps({"data": [{"Last_Name": text}]}).encode()
    assert crm.post("Leads", body).status in {202, 400}
    tagged = json.dumps({"data": [{"Last_Name": "a", "Tag": [{"name": text}]}]}).encode()
    assert crm.post("Leads", tagged).status in {202, 400}
    assert crm.get("Leads", fields="Last_Name").status == 204


@pytest.mark.parametrize("search", ["criteria", "word", "email", "phone"])
@pytest.mark.parametrize("text", [b"a\0b", b"\xed\xa0\x80ab", b"\xffab"])
def test_it_is_not_searched_for(crm, search, text):
    crm.insert("Leads", {"Last_Name": "a"})
    asked = b"(Last_Name:equals:%b)" % text if search == "criteria" else text
    assert crm.get("Leads/search", **{search: asked}).status in {204, 400}


def test_nothing_has_it_as_its_name(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    assert crm.get(f"Leads/{lead}/actions/share", sharedTo="a\0").status == 204
    assert crm.get("files", id="a\0").status == 204
    assert crm.get("actions/email_available", original_message_id="a\0").json == {"available": False}
