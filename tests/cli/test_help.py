"""What `--help` and a shell's completion tell of each command."""

import re
from pathlib import Path

import pytest

from moorage.cli.completion import apps, connections, organisations
from moorage.cli.examples import EXAMPLES
from moorage.cli.program import run
from tests.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", COMMANDS)
def test_each_element_of_a_command_is_named_by_a_word_of_ours(moorage, words):
    shown = moorage(*words.split(), "--help").out
    assert not re.search(r"<\w+( \w+)?>|<list\[|\{\w+\}", shown)
    usage = next(line for line in shown.splitlines() if line.startswith("Usage:"))
    assert re.fullmatch(rf"Usage: moorage {words} \[OPTIONS\]( \[?[A-Z]+\]?)*", usage)
    for parameter in COMMANDS[words].params:
        if not getattr(parameter, "is_flag", False):
            assert re.fullmatch(r"[A-Z.=:]+|[a-z]+(\|[a-z]+)+", parameter.metavar or ""), parameter.name


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_shows_an_example_whole(moorage, words):
    shown = moorage(*words.split(), "--help").out
    assert "For example:\n" in shown
    for line in EXAMPLES[words]:
        assert f"  {line}\n" in shown
        options = re.findall(r" (--?[a-zA-Z][a-z-]*)", line)
        known = [name for param in COMMANDS[words].params for name in (*param.opts, *param.secondary_opts)]
        assert line.startswith(f"moorage {words}") and set(options) <= set(known)


@pytest.mark.parametrize("words", ["settings", "settings.md", "crm", "crm files", "crm/files.md"])
def test_pages_are_shown_by_their_names_also_those_of_a_folder(moorage, words):
    page = words.removesuffix(".md") if words != "crm" else "crm/README"
    text = (ROOT / "docs" / f"{page.replace(' ', '/')}.md").read_text()
    assert moorage("help", *words.split()).out == f"{text.rstrip()}\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("connection create zoho-c", ["zoho-crm"]),
        ("connection create my-", ["my-app"]),
        ("client delete git", ["github"]),
        ("connection list --app strip", ["stripe"]),
        ("connection list --status P", ["PENDING"]),
        ("connection list --status ", ["ACTIVE", "PENDING", "FAILED"]),
        ("api /x -X PA", ["PATCH"]),
    ],
)
def test_a_shell_completes_apps_statuses_and_methods_without_a_server(capsys, home, monkeypatch, line, found):
    (home / "providers").mkdir(parents=True, exist_ok=True)
    (home / "providers" / "my-app.toml").touch()
    monkeypatch.setenv("_MOORAGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"moorage {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" "))))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out.split() == found


@pytest.mark.parametrize("home", ["~nobody-of-that-name/x", "/dev/null", "/nonexistent"])
def test_a_data_folder_that_can_not_be_read_completes_the_shipped_apps_all_the_same(monkeypatch, home):
    monkeypatch.setenv("MOORAGE_HOME", home)
    assert apps("zoho-c") == ["zoho-crm"]


def test_the_apps_of_the_folder_that_the_settings_file_names_are_completed(tmp_path, monkeypatch):
    (tmp_path / "named" / "providers").mkdir(parents=True)
    (tmp_path / "named" / "providers" / "my-app.toml").touch()
    (tmp_path / "moorage.toml").write_text("home = 'named'\n")
    monkeypatch.delenv("MOORAGE_HOME")
    monkeypatch.setenv("MOORAGE_CONFIG", str(tmp_path / "moorage.toml"))
    assert apps("my-") == ["my-app"]


def test_without_a_key_or_a_server_no_name_is_completed(monkeypatch):
    assert (connections(""), organisations("")) == ([], [])
    monkeypatch.setenv("MOORAGE_API_KEY", "mk_live_wrong")
    monkeypatch.setenv("MOORAGE_URL", "http://127.0.0.1:9")
    assert (connections(""), organisations("")) == ([], [])
