"""`moorage mcp install` and `uninstall`, with the files of each program in a folder of the test."""

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from moorage.cli.mcp import stored_keys
from moorage.cli.mcp.clients import CLIENTS

FILES = {
    "claude": (".claude.json", ".mcp.json"),
    "claude-desktop": (".config/Claude/claude_desktop_config.json", None),
    "cursor": (".cursor/mcp.json", ".cursor/mcp.json"),
    "vscode": (".config/Code/User/mcp.json", ".vscode/mcp.json"),
    "codex": (".codex/config.toml", ".codex/config.toml"),
}
KEY = {"key": {"id": "key_1", "name": "agent"}, "secret": "mk_live_of_the_agent"}


@pytest.fixture
def person(monkeypatch, tmp_path):
    """The home of somebody, who stands in a project's folder."""
    home, project = tmp_path / "person", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def url(monkeypatch):
    monkeypatch.setenv("MOORAGE_URL", "http://127.0.0.1:9")
    return "http://127.0.0.1:9"


def entries(file, client):
    text = file.read_text()
    document = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    return document.get(CLIENTS[client].way, {})


@pytest.mark.parametrize("client", CLIENTS)
def test_each_program_gets_an_entry_once_and_loses_it_again(moorage, person, url, client):
    file, key = person / FILES[client][0], ["--key", "agent"]
    stored_keys.store("agent", lambda: "mk_secret")
    written = moorage("mcp", "install", "--client", client, *key, "--yes")
    assert written.status == 0, written.err
    assert f"+++ {file}" in written.out and "mk_secret" not in written.out
    entry = entries(file, client)["moorage"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-5:] == ["mcp", "--key", "agent", "--url", url]
    assert "mk_" not in file.read_text()
    before = file.read_bytes()
    again = moorage("mcp", "install", "--client", client, *key, "--json")
    assert (again.status, again.json["changes"], file.read_bytes()) == (0, False, before)
    gone = moorage("mcp", "uninstall", "--client", client, "--yes")
    assert (gone.status, entries(file, client)) == (0, {}), gone.err
    assert moorage("mcp", "uninstall", "--client", client, "--json").json["changes"] is False


@pytest.mark.parametrize("client", [name for name in CLIENTS if FILES[name][1]])
def test_a_project_gets_an_entry_that_holds_for_everybody_in_it(moorage, person, client):
    done = moorage(
        "mcp", "install", "--client", client, "--scope", "project", "--connection", "sales-eu", "--yes"
    )
    assert done.status == 0, done.err
    entry = entries(Path.cwd() / FILES[client][1], client)["moorage"]
    assert (entry["command"], entry["args"]) == ("moorage", ["mcp", "--connection", "sales-eu"])
    assert "MOORAGE_HOME" not in entry.get("env", {})


@pytest.mark.parametrize(
    ("client", "remote", "with_key"),
    [
        ("claude", {"type": "http"}, {"headers": {"Authorization": "Bearer ${MOORAGE_API_KEY}"}}),
        ("cursor", {}, {"headers": {"Authorization": "Bearer ${env:MOORAGE_API_KEY}"}}),
        ("vscode", {"type": "http"}, {"headers": {"Authorization": "Bearer ${input:moorage-key}"}}),
        ("codex", {}, {"bearer_token_env_var": "MOORAGE_API_KEY"}),
    ],
)
def test_a_program_can_call_the_url_itself(moorage, person, url, client, remote, with_key):
    file = person / FILES[client][0]
    remote = remote | {"url": f"{url}/mcp/ops"}
    for options, expected in (([], remote), (["--with-key"], remote | with_key)):
        done = moorage("mcp", "install", "--client", client, "--http", "--profile", "ops", "--yes", *options)
        assert (done.status, entries(file, client)["moorage"]) == (0, expected), done.err


def test_visual_studio_code_asks_for_the_key_as_long_as_an_entry_needs_it(moorage, person, url):
    file = person / FILES["vscode"][0]
    for name in ("one", "two"):
        moorage("mcp", "install", "--client", "vscode", "--http", "--with-key", "--name", name, "--yes")
    assert [item["id"] for item in json.loads(file.read_text())["inputs"]] == ["moorage-key"]
    moorage("mcp", "uninstall", "--client", "vscode", "--name", "one", "--yes")
    assert json.loads(file.read_text())["inputs"]
    moorage("mcp", "uninstall", "--client", "vscode", "--name", "two", "--yes")
    assert json.loads(file.read_text()) == {"servers": {}, "inputs": []}


def test_comments_order_mode_and_other_entries_stay_and_so_does_a_copy(moorage, person):
    file = person / ".codex" / "config.toml"
    file.parent.mkdir()
    text = '# mine\nmodel = "x"  # the best\n\n[mcp_servers.other]\ncommand = "y"\n\n[tools]\nweb = true\n'
    file.write_text(text)
    file.chmod(0o640)
    assert moorage("mcp", "install", "--client", "codex", "--yes").status == 0
    lines = file.read_text().splitlines()
    assert [line for line in lines if line in text.splitlines()][:3] == text.splitlines()[:3]
    assert tomllib.loads(file.read_text())["mcp_servers"]["moorage"]["env_vars"][0] == "MOORAGE_API_KEY"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    copied = file.with_name("config.toml.before-moorage")
    assert (copied.read_text(), stat.S_IMODE(copied.stat().st_mode)) == (text, 0o640)
    assert moorage("mcp", "uninstall", "--client", "codex", "--yes").status == 0
    assert tomllib.loads(file.read_text()) == tomllib.loads(text)


def test_a_link_stays_a_link(moorage, person):
    kept = person / "dotfiles.json"
    kept.write_text('{"mcpServers": {}}\n')
    (person / ".cursor").mkdir()
    (person / ".cursor" / "mcp.json").symlink_to(kept)
    assert moorage("mcp", "install", "--client", "cursor", "--yes").status == 0
    assert (person / ".cursor" / "mcp.json").is_symlink() and "moorage" in kept.read_text()


@pytest.mark.parametrize(
    ("client", "text", "reason"),
    [
        ("cursor", '{"mcpServers": {', "line 1, column 17"),
        ("cursor", "[]", "an object around everything"),
        ("cursor", '{"mcpServers": 5}', "there has to be an object here"),
        ("cursor", '{"mcpServers": {}, "mcpServers": {}}', "without a risk"),
        ("codex", "a = \n", "line 1"),
        ("codex", "mcp_servers = 5\n", "has to be a table"),
    ],
)
def test_a_file_that_is_broken_stays_as_it_is(moorage, person, client, text, reason):
    file = person / FILES[client][0]
    file.parent.mkdir()
    file.write_text(text)
    refused = moorage("mcp", "install", "--client", client, "--yes", "--json")
    assert (refused.status, refused.error["code"]) == (1, "configuration_broken")
    assert reason in refused.error["message"] and str(file) in refused.error["message"]
    assert '"moorage": {"' in refused.error["help"], "what to write by hand"
    assert file.read_text() == text


def test_a_file_that_changes_while_it_is_shown_is_not_overwritten(moorage, person, monkeypatch):
    file = person / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text("{}")
    monkeypatch.setattr("moorage.cli.mcp.group.confirm", lambda *_, **__: file.write_text('{"a": 1}'))
    refused = moorage("mcp", "install", "--client", "cursor")
    assert refused.status == 2 and "changed meanwhile" in refused.err
    assert file.read_text() == '{"a": 1}'


def test_it_shows_the_change_and_asks(moorage, person, typed):
    shown = moorage("mcp", "install", "--client", "cursor", "--print")
    assert '+    "moorage": {' in shown.out
    typed("")
    asked = moorage("mcp", "install", "--client", "cursor")
    assert asked.status == 2 and "--yes" in asked.err
    assert not (person / ".cursor").exists()


def test_a_key_is_made_cautious_and_stored_for_this_user_alone(moorage, person, server):
    server.answers(200, KEY)
    done = moorage(
        "mcp", "install", "--client", "claude-desktop", "--key", "agent", "--profile", "ops", "--yes"
    )
    assert done.status == 0, done.err
    [asked] = server.seen
    assert json.loads(asked.body) == {
        "name": "agent",
        "scopes": ["connections:read", "requests:read"],
        "policy": {"mode": "cautious"},
    }
    file = stored_keys.file_of("agent")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("mk_live_of_the_agent\n", 0o600)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "mk_live" not in done.out + (person / FILES["claude-desktop"][0]).read_text()
    again = moorage("mcp", "install", "--client", "cursor", "--key", "agent", "--yes")
    assert [seen.method for seen in server.seen] == ["POST", "GET"], "a stored key is used again"
    assert "has ended" not in again.err


def test_a_stored_key_that_has_ended_is_told(moorage, person, server):
    file = stored_keys.store("agent", lambda: "mk_secret")
    server.answers(401, {"error": {"code": "key_invalid", "message": "no"}})
    done = moorage("mcp", "install", "--client", "cursor", "--key", "agent", "--yes")
    assert done.status == 0
    assert f"The stored key agent was revoked, or has ended. Remove {file}, and run this again." in done.err
    assert "mk_secret" not in done.out + done.err


def test_a_key_that_can_not_be_made_leaves_nothing_behind(moorage, person, server):
    server.answers(403, {"error": {"code": "scope_missing", "message": "no"}})
    refused = moorage("mcp", "install", "--client", "cursor", "--key", "agent", "--yes", "--json")
    assert (refused.status, refused.error["code"]) == (4, "scope_missing")
    assert f"write it into {stored_keys.file_of('agent')}" in refused.err
    assert not stored_keys.file_of("agent").exists() and not (person / ".cursor").exists()


def test_an_owner_needs_no_key_to_make_one_on_the_servers_machine(moorage, person, home, monkeypatch):
    monkeypatch.delenv("MOORAGE_API_KEY")
    done = moorage("mcp", "install", "--client", "claude", "--key", "agent", "--yes")
    assert done.status == 0, done.err
    [made] = [key for key in moorage("key", "list", "--json").json["keys"] if key["name"] == "agent"]
    assert made["scopes"] == ["connections:read", "proxy"]
    entry = entries(person / ".claude.json", "claude")["moorage"]
    assert entry["env"] == {"MOORAGE_HOME": os.environ["MOORAGE_HOME"]}
    policy = moorage("policy", "show", made["id"], "--json").json
    assert policy["policy"]["mode"] == "cautious"


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("darwin", "Library/Application Support/Code"),
        ("win32", "AppData/Roaming/Code"),
        ("linux", ".config/Code"),
    ],
)
def test_each_system_has_its_folder_for_configurations(person, monkeypatch, platform, folder):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("APPDATA", raising=False)
    assert CLIENTS["vscode"].file("user") == person / folder / "User" / "mcp.json"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("install --client claude-desktop", "does not hand on the variable MOORAGE_API_KEY"),
        ("install --client claude-desktop --http", "no place for a server at a URL"),
        ("install --client claude-desktop --scope project --key a", "no configuration for a single project"),
        ("install --client cursor --http --key agent", "--key is for a command"),
        ("install --client cursor --with-key", "--with-key needs --http"),
        ("install --client cursor --connection a --profile ops", "--connection is for the tools of the CRM"),
        ("install --client cursor --key ../a", "is not the name of a stored key"),
        ("install --client nobody", "nobody"),
        ("install --client cursor --name a.b", "--name 'a.b' is no name of a server"),
        ("install --client cursor --url nonsense", "--url"),
        ("--connection a install --client cursor", "stand behind these words"),
        ("--connection a --profile ops", "--connection is for the tools of the CRM"),
        ("--url nonsense", "--url"),
    ],
)
def test_what_can_not_be_is_told(moorage, person, line, told):
    refused = moorage("mcp", *line.split())
    assert refused.status == 2 and told in refused.err
