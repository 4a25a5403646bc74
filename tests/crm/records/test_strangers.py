"""A token of one organisation never sees or touches another's data, whatever ids it sends."""

import pytest


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


def test_owners_of_another_organisation_are_unknown(crm, stranger):
    (lead,) = crm.insert("Leads", {"Last_Name": "x"})
    owner = crm.only(f"Leads/{lead}")["Owner"]["id"]
    assert stranger.post("Leads", {"data": [{"Last_Name": "x", "Owner": {"id": owner}}]}).status == 400


def test_two_organisations_never_share_a_file(tmp_path, crm, stranger, theirs):
    files = sorted((tmp_path / "crm" / "orgs").glob("*.db"))
    assert [file.stem for file in files] == ["acme", "other"]
    for suffix in ("", "-wal"):
        file = files[1].with_name(files[1].name + suffix)
        assert b"secret@acme.example" not in (file.read_bytes() if file.exists() else b"")


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
