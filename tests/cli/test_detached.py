"""Servers in the background: how they start, what they tell whom, where they log, and how they stop."""

import gc
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from moorage.cli import background, serving
from moorage.cli.background import ServerEnded, start
from moorage.serve.data_folder import Running, holder, locked, read_note, write_note
from moorage.serve.log_file import LogReader, log_path
from moorage.serve.up import Ready
from tests import forked
from tests.flows.test_pages import blocks, section

pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* still running")  # That is what they are for.
PATIENCE = 30
AT_ANY_PORT = {"MOORAGE_PORT": "0", "MOORAGE_CRM_PORT": "0"}


@pytest.fixture
def anew(monkeypatch, tmp_path):
    """A data folder that was never used. What serves it is stopped at the end."""
    monkeypatch.delenv("MOORAGE_API_KEY")
    for name, port in AT_ANY_PORT.items():
        monkeypatch.setenv(name, port)
    home = tmp_path / "home"
    yield home
    if (home / "lock").exists() and (pid := holder(home)) not in {None, os.getpid()}:
        os.kill(pid, signal.SIGKILL)


def lines(outcome):
    return outcome.out.splitlines()


def test_a_detached_server_is_started_looked_at_and_stopped_as_the_page_shows(anew, moorage):
    [commands] = blocks(section("docs/cli.md", "`moorage up`"), "console")
    up, status, logs, stop = (line.removeprefix("$ moorage ").split() for line in commands.splitlines())
    ready = moorage(*up)
    [key] = set(re.findall(r"mk_live_\w+", ready.out))
    assert ready.status == 0 and f"moorage stop --home {anew} stops it." in ready.out
    assert re.search(r"^state +ready$", moorage(*status).out, re.MULTILINE)
    assert "server.started" in moorage(*logs).out
    log = log_path(anew).read_text()
    assert key not in log and "/welcome?token=" not in log
    assert log_path(anew).stat().st_mode & 0o077 == log_path(anew).parent.stat().st_mode & 0o077 == 0
    # The second one refuses as `up` does, and the log of the first does not hear of it.
    refused = moorage("up", "--detach", "--json")
    assert (refused.status, refused.out, refused.error["code"]) == (6, "", "home_in_use")
    assert log_path(anew).read_text() == log
    told = moorage("status", "--json").json
    assert (told["state"], told["workers"], told["log"]) == ("ready", 1, str(log_path(anew)))
    assert told["version"] and told["since"].endswith("+00:00") and told["gateway"] in ready.out
    assert moorage(*stop).out == f"Stopped the server of {anew}, process {told['process']}.\n"
    assert moorage("status").status == 3


@pytest.mark.parametrize("is_awaited", [True, False])
def test_a_key_that_nobody_is_shown_counts_as_not_shown(tmp_path, monkeypatch, capfd, is_awaited):
    behind = {"home": str(tmp_path), "is_awaited": is_awaited, "stop": "moorage stop"}
    shown = []

    def up(settings, *, announce, **others):
        shown.append(announce(Ready("http://127.0.0.1:1", "http://127.0.0.1:2", "mk_live_secret")))

    monkeypatch.setattr("moorage.serve.up.up", up)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.delenv("MOORAGE_API_KEY")
    serving._serve(
        workers=1,
        as_json=True,
        plays_for=None,
        behind=behind,
        opens_browser=False,
        options={"home": str(tmp_path)},
    )
    assert shown == [is_awaited] and "mk_live" not in capfd.readouterr().err


def test_without_a_wait_the_command_returns_at_once_and_prints_nothing(tmp_path, capfd):
    told = [sys.executable, "-c", "print('the key')"]
    assert start(told, os.environ, {"home": str(tmp_path), "is_awaited": False, "stop": ""}) == 0
    assert capfd.readouterr().out == ""


def test_only_a_server_in_the_background_need_not_be_waited_for(moorage, home):
    refused = moorage("up", "--no-wait")
    assert refused.status == 2 and "--detach" in refused.err


def test_who_started_it_is_told_if_it_is_killed_before_it_is_ready(tmp_path):
    dying = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    with pytest.raises(ServerEnded, match="SIGKILL"):
        start(dying, os.environ, {"home": str(tmp_path), "is_awaited": True, "stop": ""})


def test_what_a_server_prints_once_goes_to_who_waits_and_a_fault_else_to_the_log(capfd, monkeypatch):
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    with background.told({"home": "", "is_awaited": True, "stop": ""}, "out"):
        print("the key")
    assert json.loads(capfd.readouterr().out) == ["out", "the key\n"]
    with background.told({"home": "", "is_awaited": False, "stop": ""}, "err"):
        print("a fault", file=sys.stderr)
    assert capfd.readouterr() == ("", "a fault\n")


def test_a_long_log_is_renamed_while_two_processes_write_it(tmp_path):
    program = f"""
import os, sys
from pathlib import Path
from moorage.serve import log_file
log_file.LONGEST, log_file.OLDER = 1000, 90
path = log_file.log_path(Path({str(tmp_path)!r}))
os.dup2(log_file.open_log(path), 2)
sys.stderr = log_file.LogFile(path)
child = os.fork()
for number in range(300):
    sys.stderr.write(f"line {{number}} of {{'one' if child else 'two'}}\\n")
if child:
    os.waitpid(child, 0)
else:
    os._exit(0)
"""
    forked.run([sys.executable, "-c", program], check=True)
    files = [
        file
        for age in range(90, 0, -1)
        if (file := log_path(tmp_path).with_name(f"server.log.{age}")).exists()
    ]
    assert len(files) > 5 and all(file.stat().st_size < 1100 for file in files)
    written = "".join(file.read_text() for file in [*files, log_path(tmp_path)]).splitlines()
    for each in ("one", "two"):
        assert [line for line in written if line.endswith(each)] == [
            f"line {n} of {each}" for n in range(300)
        ]


def test_a_reader_follows_a_log_into_its_next_file(tmp_path):
    path = log_path(tmp_path)
    path.parent.mkdir()
    path.with_name("server.log.1").write_text("1\n2\n")
    path.write_text("3\n4\nhal")
    with LogReader(tmp_path) as reader:
        assert reader.last(3) == [b"2", b"3", b"4"] and reader.last(0) == []
        with path.open("a") as file:
            file.write("f\n5\n")
        path.rename(path.with_name("server.log.1"))
        assert list(reader.more()) == [b"half", b"5"]
        path.write_text("6\n")
        assert list(reader.more()) == [b"6"] and list(reader.more()) == []


def test_the_log_is_shown_as_at_a_terminal_and_cannot_command_it(home, moorage):
    event = {"event": "key.created", "by": "\x1b[2J", "level": "info", "timestamp": "2026-02-07T09:10:56Z"}
    log_path(home).parent.mkdir()
    log_path(home).write_text(f"{json.dumps(event)}\nFatal Python error: \x1b]0;x\n[]\n")
    shown = moorage("logs", "-n", "3")
    assert lines(shown)[0] == "2026-02-07T09:10:56Z [info    ] key.created by='\\x1b[2J'"
    assert "\x1b" not in shown.out and lines(shown)[2] == "[]"
    assert json.loads(lines(moorage("logs", "--json"))[0]) == event


def test_who_looks_for_a_log_that_is_not_there_is_told_where_it_is(home, moorage):
    refused = moorage("logs", "--json")
    assert (refused.status, refused.error["code"]) == (5, "log_missing") and "--detach" in refused.err
    with locked(home):
        write_note(home, Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2"))
        assert "journalctl" in moorage("logs").err


def test_stopping_what_does_not_run_is_no_error(home, moorage):
    assert moorage("stop").out == f"No server runs on {home}.\n"
    assert moorage("stop", "--json").json == {"home": str(home), "stopped": None}


def test_only_the_process_that_holds_the_folder_is_told_to_stop(home, moorage, monkeypatch):
    """A container that shares the folder has written the id of a process in there."""
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("an innocent process"))
    with locked(home):
        for stranger in (str(os.getppid()), "999999999", "none"):
            (home / "lock").write_text(stranger)
            refused = moorage("stop", "--json")
            assert (refused.status, refused.error["code"]) == (1, "home_elsewhere")


def test_a_server_that_does_not_end_in_time_is_told_of(home, moorage):
    program = f"""
import signal, sys
from pathlib import Path
from moorage.serve.data_folder import locked
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with locked(Path({str(home)!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    with forked.popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as busy:
        busy.stdout.readline()
        assert moorage("status").out.split()[-1] == "starting"
        refused = moorage("stop", "--timeout", "0", "--json")
        assert (refused.status, refused.error["code"]) == (1, "still_running")
        assert f"process {busy.pid}" in refused.err
        busy.communicate("", timeout=PATIENCE)


def test_a_server_that_can_not_work_is_told_by_the_exit_status(home, moorage, server, monkeypatch):
    monkeypatch.delenv("MOORAGE_URL")
    with locked(home):
        write_note(home, Running(os.getpid(), server.url, "http://127.0.0.1:1"))
        server.answers(503, {"error": {"code": "not_ready", "message": "The disk is full"}})
        outcome = moorage("status", "--json")
        assert (outcome.status, outcome.json["state"]) == (1, "not ready")
        assert "disk is full" in outcome.json["reason"]
        write_note(home, Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:1"))
        assert moorage("status", "--json").json["state"] == "silent"


def test_a_note_of_a_newer_version_is_read(home):
    with locked(home):
        write_note(home, Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2"))
        note = home / "run" / "server.json"
        note.write_text(json.dumps(json.loads(note.read_text()) | {"later": 1}))
        assert read_note(home).gateway == "http://127.0.0.1:1"
