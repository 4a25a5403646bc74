"""A token of one organisation never sees or touches another's data, whatever ids it sends."""

import re

import pytest

from tests.crm.families import FAMILIES


@pytest.fixture
def theirs(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    (lead,) = crm.insert("Leads", {"Last_Name": "Secret", "Email": "secret@acme.example"})
    return {"account": account, "lead": lead}


def test_reading(stranger, theirs):
    assert stranger.get(f"Leads/{theirs['lead']}").status == 204
    assert stranger.get("Leads", fields="Last_Name", ids=theirs["lead"]).status == 204
    assert stranger.get("Leads/search", word="Secret").status == 204
    assert stranger.get("Leads/search", email="secret@acme.example").status == 204
    assert stranger.get("Leads/search", criteria=f"(id:equals:{theirs['lead']})").status == 204


def test_writing(crm, stranger, theirs):
    assert stranger.put(f"Leads/{theirs['lead']}", {"data": [{"Last_Name": "x"}]}).status == 400
    assert stranger.put("Leads", {"data": [{"id": theirs["lead"], "Last_Name": "x"}]}).status == 400
    assert stranger.delete(f"Leads/{theirs['lead']}").status == 400
    assert stranger.delete("Leads", ids=theirs["lead"]).status == 400
    upserted = stranger.post("Leads/upsert", {"data": [{"Last_Name": "x", "Email": "secret@acme.example"}]})
    assert upserted.data[0]["action"] == "insert"
    linked = stranger.post("Contacts", {"data": [{"Last_Name": "x", "Account_Name": theirs["account"]}]})
    assert linked.status == 400
    assert crm.only(f"Leads/{theirs['lead']}")["Last_Name"] == "Secret"


@pytest.fixture
def their_ids(crm, theirs):
    """An id of everything an organisation has, as its owner sees it."""
    settings = ("fields", "layouts", "related_lists", "custom_views", "modules", "roles", "profiles")
    shown = {
        family: crm.get(f"settings/{family}", module="Leads").json[family][0]["id"] for family in settings
    }
    return {**theirs, **shown, "user": crm.get("users").json["users"][0]["id"], "org": str(crm.organisation)}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_call_tells_or_changes_anything_of_another_organisation(crm, stranger, their_ids, family):
    before = everything(crm)
    for route in FAMILIES[family]:
        for theirs in their_ids.values():
            path = route.pattern.replace("{module}", theirs if "/settings/" in route.pattern else "Leads")
            params = {
                "fields": "id",
                "module": "Leads",
                **dict.fromkeys(("ids", "cvid", "layout_id"), theirs),
            }
            links = {"Owner": theirs, "Converted_Account": theirs, "Layout": {"id": theirs}}
            body = {"data": [{"id": theirs, "Last_Name": "x", **links}, {"id": theirs, "Last_Name": "x"}]}
            for sent_params in (params, {"fields": "id", "module": "Leads", "ids": theirs, "word": "Secret"}):
                sent_body = body if route.method in {"POST", "PUT"} else None
                answer = stranger.call(route.method, re.sub(r"\{\w+\}", theirs, path), sent_params, sent_body)
                assert_tells_nothing(answer, route.method, theirs, stranger)
        assert everything(crm) == before, route


def assert_tells_nothing(answer, method, theirs, stranger):
    assert answer.status < 500
    # What was sent may be named in a fault; besides that, every id that is shown is the stranger's own.
    ids = set(re.findall(rb"\b[1-9][0-9]{18}\b", answer.body)) - {theirs.encode()}
    assert {record_id[:7] for record_id in ids} <= {str(stranger.organisation)[:7].encode()}
    assert b"Secret" not in answer.body
    assert method == "GET" or answer.status >= 400 or theirs.encode() not in answer.body


def everything(crm):
    """All records of the modules that are written to, as their owner sees them."""
    return [
        crm.get(module, fields="Last_Name,Account_Name,Owner,Modified_Time").body
        for module in ("Leads", "Accounts")
    ]


def test_owners_of_another_organisation_are_unknown(crm, stranger):
    (lead,) = crm.insert("Leads", {"Last_Name": "x"})
    owner = crm.only(f"Leads/{lead}")["Owner"]["id"]
    assert stranger.post("Leads", {"data": [{"Last_Name": "x", "Owner": {"id": owner}}]}).status == 400


def test_scopes_are_enforced(crm, caller_of, theirs):
    reader = caller_of("acme", "ZohoCRM.modules.leads.READ")
    assert reader.get(f"Leads/{theirs['lead']}").status == 200
    refused = [
        reader.get("Contacts", fields="id"),
        reader.post("Leads", {"data": [{"Last_Name": "x"}]}),
        reader.delete(f"Leads/{theirs['lead']}"),
        reader.get("Leads/search", word="Secret"),
        reader.get("org"),
        reader.get("users"),
        reader.get("settings/modules"),
    ]
    for answer in refused:
        assert answer.status == 401 and answer.json["code"] == "OAUTH_SCOPE_MISMATCH"


@pytest.mark.parametrize("path", ["Leads", "Nothing", "org", "users", "settings/modules", "a/b/c/d/e", ""])
def test_without_a_token_nothing_is_said(crm, path):
    crm.token = ""
    answer = crm.get(path)
    assert answer.status == 401 and answer.json["code"] in {"AUTHENTICATION_FAILURE", "INVALID_TOKEN"}
    crm.token = "1000.made.up"
    assert crm.get(path).json == {
        "code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error",
    }  # fmt: skip
