"""The commands that work on the data folder itself, with no server on it."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from moorage.logs import Log
from tests.cli.conftest import process

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def demo(made):
    """A folder with one organisation in it."""
    made("crm", "org", "create", "demo", "--name", "Demo", "--time-zone", "Europe/Oslo", "--sample")
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
    assert moorage("key", "revoke", key["id"], "--yes").status == 0
    [listed] = moorage("key", "list", "--json").json["keys"]
    assert listed["revoked_at"] is not None
    assert key["id"] in moorage("key", "list").out


@pytest.mark.parametrize("command", [["revoke", "--yes"], ["rotate"]])
def test_an_unknown_key_exits_with_5(moorage, command):
    outcome = moorage("key", *command, "nope", "--json")
    assert (outcome.status, outcome.error["code"]) == (5, "key_unknown")


def test_a_key_is_made_with_the_scopes_the_mode_and_the_end_that_were_asked_for(moorage):
    key = moorage(
        "key", "create", "--scope", "proxy:zoho-crm:read", "--scope", "connections:read",
        "--mode", "test", "--expires-in", "90d", "--json",
    ).json["key"]  # fmt: skip
    assert key["scopes"] == ["connections:read", "proxy:zoho-crm:read"]
    assert key["mode"] == "test" and key["secret"].startswith(f"{key['prefix']}")
    created, ends = (datetime.fromisoformat(key[name]) for name in ("created_at", "expires_at"))
    assert timedelta(days=90, seconds=-5) < ends - created <= timedelta(days=90)
    assert "connections:read proxy:zoho-crm:read" in moorage("key", "list").out


def test_a_key_has_every_scope_and_no_end_unless_it_is_asked_for(moorage):
    key = moorage("key", "create", "--json").json["key"]
    assert (key["mode"], key["expires_at"], key["scopes"][-1]) == ("live", None, "proxy")


def test_a_rotated_key_has_a_new_secret_which_is_shown_this_once(moorage):
    key = moorage("key", "create", "--json").json["key"]
    rotated = moorage("key", "rotate", key["id"], "--overlap", "10m", "--json").json["key"]
    assert rotated["id"] == key["id"] and rotated["secret"] != key["secret"]
    secret = moorage("key", "rotate", key["id"], "--overlap", "0").out.strip()
    listed = moorage("key", "list", "--json")
    assert secret not in listed.out and listed.json["keys"][0]["prefix"] == secret[:18]
    moorage("key", "revoke", key["id"], "--yes")
    assert moorage("key", "rotate", key["id"], "--json").error["code"] == "key_inactive"


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--scope", "proxy:nope"),
        ("create", "--scope", ""),
        ("create", "--mode", "prod"),
        ("create", "--expires-in", "0d"),
        ("create", "--expires-in", "90"),
        ("create", "--expires-in", "-1d"),
        ("create", "--expires-in", "999999w"),
        ("rotate", "key_1", "--overlap", "soon"),
    ],
)
def test_a_key_that_can_not_be_exits_with_2_and_none_is_made(moorage, arguments):
    outcome = moorage("key", *arguments)
    assert (outcome.status, len(outcome.err.splitlines())) == (2, 1)
    assert moorage("key", "list", "--json").json == {"keys": []}


def test_the_folder_that_is_made_is_private(moorage, tmp_path):
    moorage("key", "create", "--home", tmp_path / "other")
    assert [path for path in (tmp_path / "other").rglob("*") if path.stat().st_mode & 0o077] == []


def test_organisations_are_listed(moorage, demo):
    assert [row["slug"] for row in moorage("crm", "org", "list", "--json").json["organisations"]] == [demo]
    assert demo in moorage("crm", "org", "list").out


def test_credentials_are_what_an_sdk_asks_for(moorage, demo):
    credentials = moorage("crm", "credentials", "--json").json
    assert credentials["accounts_url"] == credentials["api_domain"] == "http://127.0.0.1:8788"
    assert {"client_id", "client_secret", "refresh_token", "access_token"} <= credentials.keys()
    assert moorage("crm", "credentials", "--org", demo).status == 0


def test_a_snapshot_can_be_restored(moorage, demo, tmp_path):
    assert moorage("crm", "org", "snapshot", demo, tmp_path / "saved").status == 0
    assert moorage("crm", "org", "reset", demo, "--yes").status == 0
    assert moorage("crm", "org", "restore", demo, tmp_path / "saved", "--yes", "--json").json == {
        "restored": demo
    }


def test_a_deleted_organisation_is_gone(moorage, demo):
    assert moorage("crm", "org", "delete", demo, "--yes").status == 0
    assert moorage("crm", "org", "list", "--json").json == {"organisations": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ("delete", "nope", "--yes"),
        ("reset", "nope", "--yes"),
        ("snapshot", "nope", "file"),
        ("restore", "nope", __file__, "--yes"),
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
    assert outcome.status == (1 if arguments == ("demo",) else 2)
    assert len(outcome.err.splitlines()) == 1
    assert json.loads(moorage("crm", "org", "list", "--json").out)["organisations"][0]["slug"] == demo


def test_a_unique_field_can_be_asked_for(moorage):
    outcome = moorage("crm", "org", "create", "strict", "--empty", "--unique", "Leads.Email", "--json")
    assert outcome.json["organisation"]["slug"] == "strict"


def test_the_id_of_an_organisation_is_text(moorage, demo):
    [listed] = moorage("crm", "org", "list", "--json").json["organisations"]
    assert listed["id"].isdecimal() and len(listed["id"]) == 19
    organisation = moorage("crm", "org", "create", "other", "--empty", "--json").json["organisation"]
    assert organisation["id"].isdecimal() and organisation["id"] != listed["id"]


def test_the_first_key_comes_with_something_to_call_whoever_makes_it(moorage):
    assert moorage("key", "create").status == 0
    assert [
        organisation["slug"] for organisation in moorage("crm", "org", "list", "--json").json["organisations"]
    ] == ["demo"]
    assert moorage("crm", "org", "delete", "demo", "--yes").status == 0
    assert moorage("key", "create").status == 0
    assert moorage("crm", "org", "list", "--json").json["organisations"] == []


def test_a_snapshot_is_one_file_also_after_it_was_restored(moorage, demo, tmp_path):
    folder = tmp_path / "a ü%?#b"
    folder.mkdir()
    for name in ("it's 100%?.db", "-dash", "ünïcode"):
        assert moorage("crm", "org", "snapshot", demo, folder / name).status == 0
        assert moorage("crm", "org", "restore", demo, folder / name, "--yes").status == 0
    assert sorted(file.name for file in folder.iterdir()) == ["-dash", "it's 100%?.db", "ünïcode"]


def test_a_snapshot_names_a_file_in_a_folder_that_is_there(moorage, demo, tmp_path):
    for place in (tmp_path, tmp_path / "missing" / "file"):
        outcome = moorage("crm", "org", "snapshot", demo, place)
        assert (outcome.status, len(outcome.err.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    ("name", "command"), [("moorage.db", ["key", "list"]), ("crm/registry.db", ["crm", "org", "list"])]
)
def test_a_file_that_is_no_database_is_told_in_one_line(moorage, demo, tmp_path, name, command):
    for suffix in ("-wal", "-shm"):
        (tmp_path / "home" / f"{name}{suffix}").unlink(missing_ok=True)
    (tmp_path / "home" / name).write_bytes(b"nothing of the kind, and more of it than a header has" * 9)
    outcome = moorage(*command, "--json")
    assert (outcome.status, outcome.out, outcome.error["code"]) == (1, "", "database_unusable")
    assert len(outcome.err.splitlines()) == 2


def test_a_text_that_is_no_vault_key_is_told_in_one_line(moorage, demo, tmp_path):
    (tmp_path / "home" / "vault.key").write_text("zz")
    outcome = moorage("vault", "status", "--json")
    assert (outcome.status, outcome.error["code"]) == (7, "settings_invalid")
    assert "vault.key" in outcome.err and "zz" not in outcome.error["message"].replace("vault.key", "")


def test_a_rotation_is_foreseen_and_done(moorage, demo, tmp_path):
    moorage("key", "create")
    before = (tmp_path / "home" / "vault.key").read_text()
    [current] = moorage("vault", "status", "--json").json["keys"]
    assert (current["role"], current["secrets"]) == ("current", 2)
    foreseen = moorage("vault", "rotate", "--dry-run", "--json").json
    assert foreseen == {
        "current": None,
        "retired": [current["id"]],
        "sealed_anew": 2,
        "resumed": False,
        "fixed": False,
        "dry_run": True,
    }
    assert "Nothing was done" in moorage("vault", "rotate", "--dry-run").out
    assert (tmp_path / "home" / "vault.key").read_text() == before
    done = moorage("vault", "rotate", "--json").json
    assert (done["retired"], done["sealed_anew"], done["dry_run"]) == ([current["id"]], 2, False)
    said = moorage("vault", "status").out
    assert done["current"] in said and current["id"] not in said and before.strip() not in said
    assert "encrypted again" in moorage("vault", "rotate").out


def test_the_key_to_rotate_to_comes_from_a_file(moorage, demo, tmp_path):
    (tmp_path / "new").write_text("ab" * 32 + "\n")
    assert moorage("vault", "rotate", "--key-file", tmp_path / "new").status == 0
    assert (tmp_path / "home" / "vault.key").read_text() == "ab" * 32 + "\n"
    again = moorage("vault", "rotate", "--key-file", tmp_path / "new", "--json")
    assert (again.status, again.error["code"]) == (1, "vault_key_refused")
    (tmp_path / "new").write_text("no key")
    assert moorage("vault", "rotate", "--key-file", tmp_path / "new").status == 2
    assert moorage("vault", "rotate", "--key-file", tmp_path / "missing").status == 2


def test_a_key_of_the_settings_is_not_rotated_from_here(moorage, demo, monkeypatch):
    monkeypatch.setenv("MOORAGE_VAULT_KEY", "ab" * 32)
    outcome = moorage("vault", "rotate", "--json")
    assert (outcome.status, outcome.error["code"]) == (1, "vault_key_given")
    assert "ab" * 32 not in outcome.err and "restart" in outcome.error["help"]


def test_with_both_keys_in_the_setting_it_says_which_to_take_out(moorage, demo, monkeypatch):
    monkeypatch.setenv("MOORAGE_VAULT_KEY", "ab" * 32)
    moorage("key", "create")
    [old] = moorage("vault", "status", "--json").json["keys"]
    monkeypatch.setenv("MOORAGE_VAULT_KEY", f"{'cd' * 32},{'ab' * 32}")
    said = moorage("vault", "rotate").out
    assert f"{old['id']} is not needed" in said and "remove it from MOORAGE_VAULT_KEY" in said
    monkeypatch.setenv("MOORAGE_VAULT_KEY", "cd" * 32)
    assert [key["role"] for key in moorage("vault", "status", "--json").json["keys"]] == ["current"]


def test_a_folder_that_is_a_file_is_told_in_one_line(moorage, tmp_path):
    (tmp_path / "file").touch()
    outcome = moorage("crm", "org", "list", "--home", tmp_path / "file")
    assert (outcome.status, len(outcome.err.splitlines())) == (7, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_without_room_is_told_in_one_line(moorage, demo):
    with Path("/dev/full").open("wb") as full:
        ended = process("crm", "org", "list", stdout=full)
    said = "moorage: No space left on device. Make room on that disk, and try again.\n"
    assert (ended.returncode, ended.stderr) == (1, said)


@pytest.mark.parametrize("arguments", [["key", "list"], ["crm", "org", "list", "--json"], ["version"]])
def test_a_reader_that_goes_away_is_no_reason_to_complain(moorage, demo, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        ended = process(*arguments, stdout=out)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_what_is_logged_stays_away_from_the_result(moorage, monkeypatch):
    from moorage.operator import Operator

    async def logging(self):
        Log("moorage").info("unimportant")
        Log("moorage").warning("something")
        return []

    monkeypatch.setattr(Operator, "keys_list", logging)
    outcome = moorage("key", "list", "--json")
    assert outcome.json == {"keys": []}
    assert "something" in outcome.err and "unimportant" not in outcome.err


def test_the_list_of_keys_fits_a_terminal(moorage):
    moorage("key", "create", "--name", "a name that is far longer than most names are")
    revoked = moorage("key", "create", "--name", "ci", "--mode", "test", "--json").json["key"]["id"]
    moorage("key", "revoke", revoked, "--yes")
    moorage("key", "create", "--expires-in", "90d")
    lines = moorage("key", "list").out.splitlines()
    assert len(lines) == 4 and max(map(len, lines)) <= 90
    assert (
        " revoked 20" in lines[2] and " until 20" in lines[3] and lines[1].split()[-2:] == ["active", "all"]
    )
