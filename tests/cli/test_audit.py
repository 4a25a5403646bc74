"""`moorage audit`: what was changed in a data folder, and whether the record of it is whole."""

import json
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def key(moorage):
    """A key that was made and revoked. With the first key, demo data are made."""
    key = moorage("key", "create", "--name", "ci", "--json").json["key"]
    assert moorage("key", "revoke", key["id"], "--yes").status == 0
    return key


def entries(moorage, *options):
    return moorage("audit", "--json", *options).json["entries"]


def test_it_shows_what_the_operator_did_newest_first(moorage, key):
    [revoked, *_] = shown = entries(moorage)
    assert (revoked["action"], revoked["subject"]) == ("key.revoked", key["id"])
    assert revoked["actor"]["kind"] == "operator" and revoked["before"]["name"] == "ci"
    actions = {entry["action"] for entry in shown}
    assert {"account.created", "organisation.created", "connection.connected", "key.created"} <= actions
    assert entries(moorage, "--action", "key.revoked", "--actor", "operator", "--since", "1h") == [revoked]
    table = moorage("audit", "--subject", key["id"]).out.splitlines()
    assert [line.split()[-2:] for line in table[1:]] == [
        ["key.revoked", key["id"]],
        ["key.created", key["id"]],
    ]
    assert key["secret"] not in moorage("audit").out


def test_what_is_whole_is_told_and_so_is_what_was_changed_past_moorage(moorage, key, home):
    told = moorage("audit", "--verify")
    assert told.status == 0 and "each as it was written" in told.out
    anchor = told.out.splitlines()[-1].split()[-1]
    moorage("key", "create")
    assert moorage("audit", "--verify", "--anchor", anchor).status == 0
    told = moorage("audit", "--verify", "--anchor", f"1:{'0' * 64}", "--json")
    assert told.status == 1 and told.json["missing_anchors"] == [f"1:{'0' * 64}"]
    with closing(sqlite3.connect(home / "moorage.db", isolation_level=None)) as database:
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            database.execute("DELETE FROM audit_entries")
        database.execute("DROP TRIGGER audit_entries_delete")
        database.execute("DELETE FROM audit_entries WHERE number = 2")
    told = moorage("audit", "--verify")
    assert (told.status, told.out.splitlines()) == (1, ["broken   The audit: entries 2 to 2 are missing"])


def test_an_export_can_be_verified_without_the_folder(moorage, key, tmp_path, monkeypatch):
    file = tmp_path / "audit.jsonl"
    assert moorage("audit", "--export", str(file)).status == 0
    lines = file.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert moorage("audit", "--export", "-").out.splitlines() == lines
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "nowhere"))
    assert moorage("audit", "--verify", "--file", str(file)).status == 0
    file.write_text("\n".join([*lines[1:3], lines[3].replace("operator", "server"), *lines[4:]]))
    told = moorage("audit", "--verify", "--file", str(file), "--json")
    assert told.status == 1
    assert told.json["chains"][0]["faults"] == ["entry 4 was changed: its hash is not that of its content"]
    file.write_text("no JSON")
    assert moorage("audit", "--verify", "--file", str(file)).status == 2
    for torn in (b"\xff", b'{"subject": "another", ' + lines[0].encode()[1:]):
        file.write_bytes(torn)
        assert moorage("audit", "--verify", "--file", str(file)).status == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--since", "yesterday"],
        ["--verify", "--action", "key"],
        ["--verify", "--export", "-"],
        ["--export", "-", "--actor", "ci"],
        ["--anchor", "1:2"],
        ["--verify", "--anchor", "1:2"],
        ["--verify", "--anchor", f"42:{'0' * 63}"],
        ["--actor", "a\nb"],
    ],
)
def test_what_does_not_fit_is_refused(moorage, options):
    assert moorage("audit", *options).status == 2


def test_what_the_page_shows_works(moorage, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    commands = re.findall(r"^\$ moorage (.*)$", page, re.MULTILINE)
    assert len(commands) == 2
    for command in [*commands, *re.findall(r"`moorage (audit --(?:export|verify --file) \S+)`", page)]:
        outcome = moorage(*shlex.split(command))
        assert outcome.status == 0, (command, outcome.err)
    [program] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    last = {}
    exec(program, {"print": last.update})
    [(number, digest)] = last.values()
    assert f"{number}:{digest}" in moorage("audit", "--verify").out
    (tmp_path / "audit.jsonl").write_text(
        (tmp_path / "audit.jsonl").read_text().replace("operator", "server")
    )
    with pytest.raises(AssertionError):
        exec(program, {})
