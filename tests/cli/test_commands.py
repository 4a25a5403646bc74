import itertools
import json
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from moorage import __version__
from moorage.cli import connecting as connecting_module
from moorage.serve.data_folder import Running, locked, write_note

CONNECTION = {
    "connection_id": "c1",
    "status": "ACTIVE",
    "app": "zoho-crm",
    "creation_time": "2026-01-01T00:00:00Z",
}


def test_connections_are_listed_as_a_table(server, moorage):
    more = {"default": True, "environment": "live", "metadata": {"organisation": "Quay"}, "alias": "sales-eu"}
    more["health"] = {"status": "limited", "reason": "…", "since": None, "next": None}
    server.answers(200, {"connections": [CONNECTION | more]})
    outcome = moorage("connection", "list", "--app", "zoho-crm", "--status", "ACTIVE")
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["ID", "ALIAS", "APP", "STATUS", "DEFAULT", "ENVIRONMENT", "ACCOUNT", "CREATED"],
        ["c1", "sales-eu", "zoho-crm", "ACTIVE", "(limited)", "*", "live", "Quay", "2026-01-01T00:00:00Z"],
    ]
    assert server.seen[0].target == "/connections?app=zoho-crm&status=ACTIVE"


def test_connections_are_listed_as_json(server, moorage):
    server.answers(200, {"connections": [CONNECTION]})
    assert moorage("connection", "list", "--json").json == {"connections": [CONNECTION]}


def test_a_new_connection_shows_where_to_connect_it(server, moorage):
    server.answers(200, {"connection": CONNECTION | {"url": "http://here/connect/s1", "metadata": {}}})
    outcome = moorage("connection", "create", "zoho-crm", "--timeout", "0")
    assert "http://here/connect/s1" in outcome.out
    assert "metadata" not in outcome.out
    assert len(server.seen) == 1


@pytest.fixture
def connecting(server, monkeypatch):
    """A connection that has another status at each look; what was opened in the browser."""

    def connecting(*statuses, **more):
        opened = []
        documents = [
            CONNECTION | {"status": s, "url": "http://here/c", "metadata": {}} | more for s in statuses
        ]
        monkeypatch.setattr(connecting_module.webbrowser, "open", lambda url: opened.append(url) or True)

        def look(seconds):
            server.answers(200, {"connection": documents.pop(0)})

        ticks = itertools.count()
        clock = SimpleNamespace(sleep=look, monotonic=lambda: float(next(ticks)))
        monkeypatch.setattr(connecting_module, "time", clock)
        look(0)
        return opened

    return connecting


def test_it_opens_the_page_and_waits_until_somebody_has_connected_it(connecting, server, moorage):
    opened = connecting("PENDING", "PENDING", "ACTIVE")
    outcome = moorage("connection", "create", "zoho-crm", "--json")
    assert (outcome.status, outcome.json["connection"]["status"]) == (0, "ACTIVE")
    assert opened == ["http://here/c"] and "http://here/c" in outcome.err


def test_without_a_browser_it_says_which_page_to_open(connecting, moorage):
    opened = connecting("PENDING", "ACTIVE")
    outcome = moorage("connection", "create", "zoho-crm", "--no-browser")
    assert outcome.status == 0 and opened == [] and "http://here/c" in outcome.err
    assert ["status", "ACTIVE"] in [line.split() for line in outcome.out.splitlines()]


def test_a_person_who_declines_ends_the_wait_with_the_reason(connecting, moorage):
    connecting("PENDING", "FAILED", metadata={"reason": "access_denied"})
    outcome = moorage("connection", "create", "zoho-crm", "--json")
    assert (outcome.status, outcome.out, outcome.error["code"]) == (1, "", "not_connected")
    assert "access_denied" in outcome.err


def test_nobody_coming_ends_the_wait_in_time(connecting, moorage):
    connecting(*["PENDING"] * 5)
    outcome = moorage("connection", "create", "zoho-crm", "--timeout", "3")
    assert outcome.status == 1 and "within 3 seconds" in outcome.err and "connection get c1" in outcome.err


def test_a_connection_is_shown_in_words(server, moorage):
    more = {"id": "c1", "metadata": {"organisation": "Harbour & Pine", "user": "ana@harbourpine.example"}}
    health = {
        "status": "failed",
        "reason": "It ended.",
        "since": "2026-01-01T00:00:00.5Z",
        "next": "Connect it.",
    }
    more |= {"alias": None, "tags": ["eu", "b"], "health": health}
    server.answers(200, {"connection": CONNECTION | more})
    lines = [line.split(maxsplit=1) for line in moorage("connection", "get", "c1").out.splitlines()]
    assert lines == [
        ["connection_id", "c1"],
        ["status", "ACTIVE"],
        ["app", "zoho-crm"],
        ["creation_time", "2026-01-01T00:00:00Z"],
        ["organisation", "Harbour & Pine"],
        ["user", "ana@harbourpine.example"],
        ["tags", "eu b"],
        ["health", "failed since 2026-01-01T00:00:00Z: It ended."],
        ["next", "Connect it."],
    ]


def test_tokens_come_from_files_or_standard_input_and_never_from_arguments(server, moorage, tmp_path):
    server.answers(200, {"connection": CONNECTION})
    (tmp_path / "token").write_text("1000.abc\n")
    file = str(tmp_path / "token")
    assert (
        moorage("connection", "import", "zoho-crm", "--refresh-token-file", file, "--alias", "a").status == 0
    )
    assert (server.seen[0].method, server.seen[0].target) == ("POST", "/connections/import")
    assert json.loads(server.seen[0].body) == {"app": "zoho-crm", "refresh_token": "1000.abc", "alias": "a"}
    both = ["--refresh-token-file", "-", "--access-token-file", "-"]
    assert moorage("connection", "import", "zoho-crm", *both).status == 2
    assert moorage("connection", "import", "zoho-crm", "1000.abc").status == 2 and len(server.seen) == 1


def test_prune_asks_lists_and_says_what_is_left(server, moorage):
    assert moorage("connection", "prune").status == 2
    gone = {
        "connection_id": "c1",
        "app": "zoho-crm",
        "status": "PENDING",
        "alias": None,
        "creation_time": "2026",
    }
    server.answers(200, {"connections": [gone], "dry_run": False, "more": True})
    outcome = moorage("connection", "prune", "--yes", "--older-than", "2h")
    assert json.loads(server.seen[0].body) == {"older_than_seconds": 7200}
    assert "c1" in outcome.out and "Deleted 1 connection. There may be more" in outcome.err


def test_labels_are_given_and_taken_away(server, moorage):
    server.answers(200, {"connection": CONNECTION})
    assert moorage("connection", "label", "c1", "--tag", "a", "--tag", "b", "--remove", "alias").status == 0
    assert (server.seen[0].method, server.seen[0].target) == ("PATCH", "/connections/c1")
    assert json.loads(server.seen[0].body) == {"tags": ["a", "b"], "alias": None}
    for wrong in ([], ["--remove", "status"], ["--alias", "a", "--remove", "alias"]):
        assert moorage("connection", "label", "c1", *wrong).status == 2
    assert len(server.seen) == 1


def test_delete_does_not_go_on_unless_it_is_confirmed(server, moorage):
    outcome = moorage("connection", "delete", "c1")
    assert (outcome.status, server.seen) == (2, [])
    assert "--yes" in outcome.err


def test_delete_with_yes(server, moorage):
    revocation = {"status": "revoked", "message": "The app no longer accepts the connection's tokens."}
    server.answers(200, {"connection_id": "c1", "deleted": True, "revocation": revocation})
    outcome = moorage("connection", "delete", "c1", "--yes", "--json")
    assert (outcome.status, outcome.json) == (0, {"deleted": "c1", "revocation": revocation})
    assert revocation["message"] in moorage("connection", "delete", "c1", "--yes").out
    assert (server.seen[0].method, server.seen[0].target) == ("DELETE", "/connections/c1")


@pytest.mark.parametrize(("answered", "status"), [(400, 1), (401, 4), (403, 4), (404, 5), (429, 1), (500, 1)])
def test_exit_status_follows_the_answer(server, moorage, answered, status):
    server.answers(answered, {"message": "Something is wrong", "error": {"code": "some_code"}})
    outcome = moorage("connection", "get", "c1", "--json")
    assert (outcome.status, outcome.out) == (status, "")
    assert outcome.err.splitlines()[0] == "moorage: Something is wrong."
    assert outcome.error["code"] == "some_code"
    assert (outcome.error["status"], outcome.error["exit_status"]) == (answered, status)


def test_the_advice_of_the_server_is_passed_on(server, moorage):
    server.answers(400, {"message": "There is no app 'x'.", "detail": "Known apps: zoho-crm."})
    assert moorage("connection", "create", "x").err == "moorage: There is no app 'x'. Known apps: zoho-crm.\n"


def test_nobody_listening_exits_with_3(moorage):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        outcome = moorage("connection", "list", "--url", f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert outcome.status == 3
    assert "moorage up" in outcome.err


def test_no_key_exits_with_4_and_says_how_to_make_one(server, moorage, monkeypatch):
    monkeypatch.delenv("MOORAGE_API_KEY")
    outcome = moorage("connection", "list")
    assert outcome.status == 4
    assert "moorage key create" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_the_key_may_be_in_a_file(server, moorage, monkeypatch, tmp_path):
    monkeypatch.delenv("MOORAGE_API_KEY")
    monkeypatch.setenv("MOORAGE_API_KEY_FILE", str(tmp_path / "key"))
    assert moorage("api", "/x").status == 2
    (tmp_path / "key").write_text("mk_file\n")
    assert moorage("api", "/x").status == 0
    assert server.seen[0].headers["authorization"] == "Bearer mk_file"


def test_the_server_of_the_data_folder_is_found(server, moorage, monkeypatch, home):
    monkeypatch.delenv("MOORAGE_URL")
    with locked(home):
        write_note(home, Running(os.getpid(), server.url, "http://127.0.0.1:1"))
        assert moorage("api", "/x").status == 0


@pytest.mark.parametrize(
    "arguments", [("nope",), ("up", "--nope"), ("key",), ("api",), ("up", "--workers", "0")]
)
def test_wrong_usage_exits_with_2_in_one_line(moorage, arguments):
    outcome = moorage(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert "--help" in outcome.err


def test_wrong_usage_is_machine_readable_too(moorage):
    assert moorage("up", "--nope", "--json").error["code"] == "usage"


def test_without_arguments_it_shows_what_there_is(moorage):
    outcome = moorage()
    assert outcome.status == 0
    assert "connection" in outcome.out


def test_version(moorage):
    assert moorage("version").out == f"moorage {__version__}\n"
    assert moorage("--version").out == f"moorage {__version__}\n"
    assert moorage("version", "--json").json["version"] == __version__


def test_a_reader_that_has_had_enough_is_no_error():
    command = f"{sys.executable} -m moorage up --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""


def test_help_loads_nothing_heavy():
    program = (
        "import sys; from moorage.cli.program import run; run(['up', '--help']);"
        "heavy = {'sqlalchemy', 'aiohttp', 'uvicorn', 'starlette', 'apsw', 'rich', 'cryptography'};"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_that_make_no_sense_exit_with_7(moorage, monkeypatch):
    monkeypatch.setenv("MOORAGE_PORT", "many")
    outcome = moorage("up", "--json")
    assert (outcome.status, outcome.out) == (7, "")
    assert "MOORAGE_PORT" in outcome.err
    assert outcome.error["code"] == "settings_invalid"


def test_a_port_that_may_be_any_is_asked_of_a_running_server(moorage, monkeypatch):
    monkeypatch.setenv("MOORAGE_PORT", "0")
    outcome = moorage("connection", "list")
    assert outcome.status == 2
    assert "moorage up" in outcome.err
