"""The data folder of a command, the settings of its server, and its vault key: nothing is made by mistake."""

import json
import os
import shutil
from contextlib import contextmanager

import pytest

from moorage.serve.data_folder import Running, locked, read_note, remove_note, write_note

OPERATORS = [
    ["key", "create"],
    ["key", "list"],
    ["crm", "org", "list"],
    ["crm", "org", "create", "acme", "--empty"],
    ["crm", "credentials"],
    ["client", "list"],
    ["client", "delete", "zoho-crm", "--yes"],
    ["vault", "status"],
    ["vault", "forget", "--yes"],
]


@contextmanager
def serving(home, **told):
    """As if a server ran on the folder that was told this."""
    with locked(home):
        write_note(home, Running(os.getpid(), "http://127.0.0.1:4001", "http://127.0.0.1:4002", told))
        yield
        remove_note(home)


@pytest.mark.parametrize("arguments", OPERATORS, ids=" ".join)
def test_a_folder_that_is_not_there_is_refused_and_not_made(moorage, home, tmp_path, arguments):
    outcome = moorage(*arguments, "--home", tmp_path / "hom", "--json")
    assert (outcome.status, outcome.out, outcome.error["code"]) == (7, "", "home_missing")
    assert f"Did you mean {home}?" in outcome.err and "moorage up" in outcome.err
    assert not (tmp_path / "hom").exists()


def test_a_folder_of_other_things_is_no_data_folder_and_stays_as_it_is(moorage, tmp_path):
    (tmp_path / "photos").mkdir()
    assert moorage("key", "create", "--home", tmp_path / "photos").status == 7
    assert list((tmp_path / "photos").iterdir()) == []


def test_init_makes_one_with_a_key_and_something_to_call(moorage, tmp_path, monkeypatch):
    monkeypatch.delenv("MOORAGE_API_KEY")
    outcome = moorage("init", "--home", tmp_path / "new", "--json").json
    assert outcome["home"] == str(tmp_path / "new") and outcome["api_key"].startswith("mk_live_")
    listed = moorage("crm", "org", "list", "--home", tmp_path / "new", "--json").json
    assert [organisation["slug"] for organisation in listed["organisations"]] == ["demo"]
    assert moorage("init", "--home", tmp_path / "new", "--json").json["api_key"] is None


def test_init_leaves_the_folder_of_a_running_server_alone(moorage, home, monkeypatch):
    monkeypatch.delenv("MOORAGE_API_KEY")
    with serving(home):
        assert moorage("init").status == 6


@pytest.fixture
def unnamed(home, monkeypatch, tmp_path):
    """The data folder is the one that everybody has; nobody names it."""
    monkeypatch.delenv("MOORAGE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    return home.rename(tmp_path / ".moorage")


def test_the_url_of_another_machine_is_no_reason_to_work_on_the_folder_here(moorage, unnamed, monkeypatch):
    monkeypatch.setenv("MOORAGE_URL", "https://moorage.example.com")
    outcome = moorage("key", "create", "--json")
    assert (outcome.status, outcome.out, outcome.error["code"]) == (2, "", "usage")
    assert "https://moorage.example.com" in outcome.err and f"--home, such as {unnamed}" in outcome.err
    assert moorage("key", "create", "--home", unnamed).status == 0


@pytest.mark.parametrize(
    "url", ["http://localhost:4001", "http://127.0.0.1:4001/", "https://moorage.example.com"]
)
def test_the_url_of_the_folders_own_server_is_one(moorage, unnamed, monkeypatch, url):
    monkeypatch.setenv("MOORAGE_URL", url)
    with serving(unnamed, MOORAGE_PUBLIC_URL="https://moorage.example.com"):
        assert moorage("key", "list").status == 0


def callback(moorage):
    return moorage("client", "list", "--json").json["callback_url"]


def test_what_a_running_server_was_told_counts_in_another_shell(moorage, home, monkeypatch):
    with serving(
        home, MOORAGE_PUBLIC_URL="https://a.example", MOORAGE_CRM_PUBLIC_URL="https://crm.a.example"
    ):
        assert callback(moorage) == "https://a.example/connect/callback"
        moorage("crm", "org", "create", "acme", "--empty")
        assert moorage("crm", "credentials", "--json").json["api_domain"] == "https://crm.a.example"
        monkeypatch.setenv("MOORAGE_PUBLIC_URL", "https://b.example")
        outcome = moorage("client", "list")
        assert "Callback URL: https://a.example/connect/callback\n" in outcome.out
        assert "MOORAGE_PUBLIC_URL is https://b.example here" in outcome.err
    with serving(home):
        assert callback(moorage) == "http://127.0.0.1:4001/connect/callback"


def test_without_a_server_the_environment_counts_and_then_what_the_last_one_was_told(
    moorage, home, monkeypatch
):
    assert "a server with these settings will have this address" in moorage("client", "list").out
    with serving(home, MOORAGE_PUBLIC_URL="https://a.example", MOORAGE_PORT="0"):
        pass
    outcome = moorage("client", "list")
    assert "https://a.example/connect/callback (no server runs; the last one had this address)" in outcome.out
    assert outcome.err == ""
    monkeypatch.setenv("MOORAGE_PUBLIC_URL", "https://b.example")
    assert callback(moorage) == "https://b.example/connect/callback"


def test_databases_that_lie_elsewhere_are_found_in_another_shell(moorage, home, tmp_path):
    elsewhere = shutil.move(home / "moorage.db", tmp_path / "keys.db")
    assert moorage("key", "list").status == 7
    with serving(home, MOORAGE_DATABASE_URL=f"sqlite:///{elsewhere}"):
        assert moorage("key", "create", "--name", "ci").status == 0
    assert "ci" in moorage("key", "list").out
    assert not (home / "moorage.db").exists()


def test_the_clients_of_the_servers_own_environment_are_not_kept_from_who_lists_them(moorage, home):
    with serving(home, MOORAGE_OAUTH_CLIENTS=None):
        assert "MOORAGE_OAUTH_CLIENTS" in moorage("client", "list").err


def test_a_note_without_a_server_is_ignored(home):
    write_note(home, Running(os.getpid(), "http://127.0.0.1:4001", "http://127.0.0.1:4002"))
    assert read_note(home) is None
    with locked(home):
        assert read_note(home).gateway == "http://127.0.0.1:4001"


# The vault's key


@pytest.fixture
def without_key(home):
    (home / "vault.key").unlink()
    return home


@pytest.mark.parametrize(
    "arguments", [["vault", "status"], ["client", "set", "zoho-crm", "--client-id", "x"]]
)
def test_no_command_makes_a_vault_key(moorage, without_key, typed, arguments):
    typed("secret\n")
    outcome = moorage(*arguments, "--json")
    assert (outcome.status, outcome.error["code"]) == (7, "vault_key_missing")
    assert "MOORAGE_VAULT_KEY" in outcome.err and not (without_key / "vault.key").exists()


def test_the_file_of_the_servers_key_is_found_in_another_shell(moorage, without_key, tmp_path):
    (tmp_path / "key").write_text("5a" * 32)
    with serving(without_key, MOORAGE_VAULT_KEY_FILE=str(tmp_path / "key")):
        assert moorage("vault", "status").status == 0
    assert moorage("vault", "status").status == 0 and not (without_key / "vault.key").exists()


@pytest.mark.parametrize("key", [None, "11" * 32], ids=["no key", "another key"])
def test_no_server_starts_without_the_key_it_had(moorage, tmp_path, monkeypatch, key):
    monkeypatch.delenv("MOORAGE_API_KEY")
    home = tmp_path / "new"
    moorage("init", "--home", home)
    (home / "vault.key").unlink()
    if key is not None:
        monkeypatch.setenv("MOORAGE_VAULT_KEY", key)
    outcome = moorage("init", "--home", home, "--json")  # It begins as `up` does.
    assert (outcome.status, outcome.error["code"]) == (7, "vault_key_missing")
    assert "vault forget" in outcome.err and not (home / "vault.key").exists()
    assert moorage("vault", "forget", "--home", home).status == 2
    assert moorage("vault", "forget", "--home", home, "--yes", "--json").json == {"forgotten": 2}
    assert moorage("init", "--home", home).status == 0


# Settings that contradict each other, or are none


def test_one_port_for_both_servers_is_refused_and_both_options_are_named(moorage, home):
    outcome = moorage("up", "--port", "9001", "--crm-port", "9001", "--json")
    assert (outcome.status, outcome.out, outcome.error["code"]) == (7, "", "settings_invalid")
    assert "--port and --crm-port are both 9001" in outcome.err


def test_a_fault_names_what_it_was_given_by(moorage, monkeypatch, tmp_path):
    monkeypatch.setenv("MOORAGE_PORT", "80000")
    assert "moorage: MOORAGE_PORT: use a number" in moorage("key", "list").err
    monkeypatch.setenv("MOORAGE_VAULT_KEY_FILE", str(tmp_path / "nope"))
    assert f"MOORAGE_VAULT_KEY_FILE: there is no file {tmp_path / 'nope'}." in moorage("up").err


def test_a_variable_that_is_not_ours_is_noticed(moorage, home, monkeypatch):
    monkeypatch.setenv("MOORAGE_HOMME", "/x")
    outcome = moorage("key", "list", "--json")
    assert outcome.err == "moorage: MOORAGE_HOMME is not a setting. Did you mean MOORAGE_HOME?\n"
    assert json.loads(outcome.out) == {"keys": []}


URL = "postgresql://moorage:hush@127.0.0.1:1/moorage"


def test_a_servers_database_that_is_secret_is_not_mistaken_for_another(moorage, home):
    with serving(home, MOORAGE_DATABASE_URL=None):
        assert (
            moorage("connection", "list", "--json").status == 3
        )  # It asks the server, and not the database.
        doctor = moorage("doctor", "--json").json["checks"]
        outcome = moorage("key", "list", "--json")
    assert [check["code"] for check in doctor] == ["settings_invalid"]
    assert outcome.status == 7 and "MOORAGE_DATABASE_URL in its environment" in outcome.err
    assert "MOORAGE_DATABASE_URL_FILE" in outcome.err
    outcome = moorage("key", "list", "--json")  # The last server had the same.
    assert outcome.status == 7 and "MOORAGE_DATABASE_URL" in outcome.err


def test_a_database_is_reached_by_the_url_of_the_environment_or_of_the_servers_file(
    moorage, home, monkeypatch, tmp_path
):
    (tmp_path / "url").write_text(URL)
    with serving(home, MOORAGE_DATABASE_URL_FILE=str(tmp_path / "url")):
        assert "can't be reached" in moorage("key", "list").err
    with serving(home, MOORAGE_DATABASE_URL=None):
        monkeypatch.setenv("MOORAGE_DATABASE_URL", URL)
        outcome = moorage("key", "list")
    assert "can't be reached" in outcome.err and "hush" not in outcome.err


def test_another_database_with_a_password_than_the_servers_is_noted_without_it(moorage, home, monkeypatch):
    monkeypatch.setenv("MOORAGE_DATABASE_URL", URL)
    with serving(home):
        outcome = moorage("key", "list")
    assert outcome.status == 0 and "runs without MOORAGE_DATABASE_URL" in outcome.err
    assert "hush" not in outcome.err
