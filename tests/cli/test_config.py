"""`moorage config`: whether the settings are valid, and where they come from."""

import os

import pytest

from moorage.serve.data_folder import Running, locked, remove_note, write_note

SECRET = "5a" * 32


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The settings file of an empty data folder, and nothing in the environment that the first start would refuse."""
    monkeypatch.delenv("MOORAGE_API_KEY")
    (tmp_path / "home").mkdir(mode=0o700)
    return tmp_path / "home" / "moorage.toml"


def write(file, text, mode=0o600):
    file.write_text(text)
    file.chmod(mode)


def shown(moorage, *options):
    document = moorage("config", "show", "--json", *options).json
    return document, {row["name"]: row for row in document["settings"]}


def test_settings_without_a_fault_are_valid(moorage, file):
    assert moorage("config", "check").out == "The settings are valid.\n"
    write(file, "port = 9000\n")
    assert moorage("config", "check", "--json").json == {"valid": True, "findings": []}


def test_all_faults_are_listed_also_those_of_apps(moorage, file, monkeypatch):
    write(file, "prot = 1\ncrm_port = 'x'\n")
    monkeypatch.setenv("MOORAGE_HOSTT", "x")
    monkeypatch.setenv("MOORAGE_TEST_OF_OURS", "x")
    monkeypatch.setenv("MOORAGE_URL", "http://127.0.0.1:1")
    (file.parent / "providers").mkdir()
    (file.parent / "providers" / "mine.toml").write_text('titel = "Mine"\n')
    outcome = moorage("config", "check", "--json")
    assert outcome.status == 7 and outcome.json["valid"] is False
    told = {(finding["severity"], finding["message"]) for finding in outcome.json["findings"]}
    assert ("warning", "MOORAGE_HOSTT is not a setting. Did you mean MOORAGE_HOST?") in told
    assert ("fault", f"{file}:1: prot is not a setting. Did you mean port?") in told
    assert len(told) == 4 and any(
        "mine.toml: line 1: there is no key 'titel'. Did you mean title?" in m for _, m in told
    )
    assert len(moorage("config", "check").out.splitlines()) == 4


def test_the_apps_of_the_folder_that_a_faulty_file_names_are_checked(moorage, tmp_path, monkeypatch):
    (tmp_path / "named" / "providers").mkdir(parents=True)
    (tmp_path / "named" / "providers" / "mine.toml").write_text("title = 7\n")
    write(tmp_path / "its.toml", "home = 'named'\nprot = 1\n")
    for name in ("MOORAGE_HOME", "MOORAGE_API_KEY"):
        monkeypatch.delenv(name)
    findings = moorage("config", "check", "--config", str(tmp_path / "its.toml"), "--json").json["findings"]
    assert len(findings) == 2 and "mine.toml" in findings[1]["message"]


def test_a_secret_that_others_may_read_is_a_warning(moorage, file):
    write(file, f"vault_key = '{SECRET}'\n", mode=0o640)
    outcome = moorage("config", "check", "--json")
    [finding] = outcome.json["findings"]
    assert outcome.status == 0 and f"Other users may read {file}, whose mode is 0640" in finding["message"]
    write(file, "port = 9000\n", mode=0o640)
    assert moorage("config", "check", "--json").json["findings"] == []


def test_each_setting_is_shown_with_its_source_and_no_secret(moorage, file, monkeypatch):
    write(file, f"port = 9000\nvault_key = '{SECRET}'\ndatabase_url = 'postgresql://m:hush@db/m'\n")
    monkeypatch.setenv("MOORAGE_LOG_LEVEL", "debug")
    document, rows = shown(moorage)
    assert (rows["port"]["value"], rows["port"]["source"]) == (9000, f"{file}:1")
    assert (rows["vault_key"]["value"], rows["vault_key"]["source"]) == ("secret", f"{file}:2")
    assert rows["database_url"]["value"] == "secret" and "hush" not in str(document)
    assert (rows["log_level"]["value"], rows["log_level"]["source"]) == (
        "debug",
        "environment MOORAGE_LOG_LEVEL",
    )
    assert (rows["crm_port"]["value"], rows["crm_port"]["source"]) == (8788, "default")
    assert rows["api_key"]["value"] is None and document["file"] == str(file)
    text = moorage("config", "show").out
    assert "hush" not in text and SECRET not in text and "No server runs." in text


def test_a_settings_file_in_an_unknown_home_folder_is_only_another_one(moorage, home, monkeypatch):
    monkeypatch.setenv("MOORAGE_CONFIG", "~nobody-of-that-name/moorage.toml")
    with locked(home):
        write_note(home, Running(os.getpid(), "http://127.0.0.1:4001", "http://127.0.0.1:4002"))
        outcome = moorage("config", "show")
        remove_note(home)
    assert outcome.status == 0 and "runs without a settings file" in outcome.err


def test_the_settings_of_the_running_server_are_shown_and_used(moorage, home, tmp_path, monkeypatch):
    config = tmp_path / "moorage.toml"
    write(config, f"public_url = 'https://later.example'\nvault_key = '{SECRET}'\noauth_clients = '{{}}'\n")
    monkeypatch.setenv("MOORAGE_CONFIG", str(tmp_path / "other.toml"))
    (tmp_path / "other.toml").write_text("")
    note = Running(
        os.getpid(),
        "http://127.0.0.1:4001",
        "http://127.0.0.1:4002",
        settings={"MOORAGE_PUBLIC_URL": "https://a.example"},
        sources={"public_url": f"{config}:1", "vault_key": f"{config}:2"},
        config=str(config),
    )
    with locked(home):
        write_note(home, note)
        document, rows = shown(moorage)
        outcome = moorage("client", "list")
        remove_note(home)
    assert document["server_runs"] and document["file"] == str(config)
    assert (rows["public_url"]["value"], rows["public_url"]["source"]) == ("https://a.example", f"{config}:1")
    # The secret that the server took from its file is used, and what was added later is not.
    assert rows["vault_key"]["value"] == "secret" and rows["oauth_clients"]["value"] is None
    assert "Callback URL: https://a.example/connect/callback" in outcome.out
    assert (
        f"MOORAGE_CONFIG is {tmp_path / 'other.toml'} here, but the server of {home} has the settings"
        in outcome.err
    )
