"""The commands that work on the data folder itself, with no server on it."""

import json

import pytest


@pytest.fixture
def demo(moorage):
    """A folder with one organisation in it."""
    outcome = moorage(
        "crm", "org", "create", "demo", "--name", "Demo", "--time-zone", "Europe/Oslo", "--sample"
    )
    assert outcome.status == 0, outcome.err
    return "demo"


def test_a_key_is_shown_when_it_is_made_and_never_again(moorage):
    secret = moorage("key", "create", "--name", "ci").out.strip()
    listed = moorage("key", "list", "--json")
    assert secret.startswith("mk_")
    assert secret not in listed.out
    assert [key["name"] for key in listed.json["keys"]] == ["ci"]


def test_a_revoked_key_says_when(moorage):
    key = moorage("key", "create", "--json").json["key"]
    assert key["secret"]
    assert moorage("key", "revoke", key["id"]).status == 0
    [listed] = moorage("key", "list", "--json").json["keys"]
    assert listed["revoked_at"] is not None
    assert key["id"] in moorage("key", "list").out


def test_an_unknown_key_exits_with_5(moorage):
    outcome = moorage("key", "revoke", "nope", "--json")
    assert (outcome.status, outcome.error["code"]) == (5, "key_unknown")


def test_the_folder_that_is_made_is_private(moorage, tmp_path):
    moorage("key", "create", "--home", tmp_path / "other")
    assert [path for path in (tmp_path / "other").rglob("*") if path.stat().st_mode & 0o077] == []


def test_organisations_are_listed(moorage, demo):
    assert [row["slug"] for row in moorage("crm", "org", "list", "--json").json["organisations"]] == [demo]
    assert demo in moorage("crm", "org", "list").out


def test_credentials_are_what_an_sdk_asks_for(moorage, demo):
    found = moorage("crm", "credentials", "--json").json
    assert found["accounts_url"] == found["api_domain"] == "http://127.0.0.1:8788"
    assert {"client_id", "client_secret", "refresh_token", "access_token"} <= found.keys()
    assert moorage("crm", "credentials", "--org", demo).status == 0


def test_a_snapshot_can_be_restored(moorage, demo, tmp_path):
    assert moorage("crm", "org", "snapshot", demo, tmp_path / "saved").status == 0
    assert moorage("crm", "org", "reset", demo, "--yes").status == 0
    assert moorage("crm", "org", "restore", demo, tmp_path / "saved", "--json").json == {"restored": demo}


def test_a_deleted_organisation_is_gone(moorage, demo):
    assert moorage("crm", "org", "delete", demo).status == 2
    assert moorage("crm", "org", "delete", demo, "--yes").status == 0
    assert moorage("crm", "org", "list", "--json").json == {"organisations": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ("delete", "nope", "--yes"),
        ("reset", "nope", "--yes"),
        ("snapshot", "nope", "file"),
        ("restore", "nope", "file"),
    ],
)
def test_an_unknown_organisation_exits_with_5(moorage, demo, arguments):
    outcome = moorage("crm", "org", *arguments, "--json")
    assert (outcome.status, outcome.out) == (5, "")
    assert outcome.error["code"] == "organisation_unknown"


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo",),
        ("Not A Slug",),
        ("../up",),
        ("other", "--time-zone", "Mars/Olympus"),
        ("other", "--unique", "Leads"),
        ("other", "--unique", "Leads.Nope"),
        ("other", "--unique", "Nope.Email"),
    ],
)
def test_what_can_not_be_made_is_explained_in_one_line(moorage, demo, arguments):
    outcome = moorage("crm", "org", "create", *arguments)
    assert outcome.status in {1, 2}
    assert len(outcome.err.splitlines()) == 1
    assert json.loads(moorage("crm", "org", "list", "--json").out)["organisations"][0]["slug"] == demo


def test_a_unique_field_can_be_asked_for(moorage):
    outcome = moorage("crm", "org", "create", "strict", "--empty", "--unique", "Leads.Email", "--json")
    assert outcome.json["organisation"]["slug"] == "strict"
