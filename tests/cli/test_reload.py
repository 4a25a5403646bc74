"""`moorage reload` and SIGHUP, with servers as processes of their own."""

import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import termios

import pytest

from tests.cli.conftest import process
from tests.cli.test_up import PATIENCE, command, get, serving
from tests.serve.test_reload import APP


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun") / "home"
    return folder, command(folder, "init").stdout.strip()


@pytest.fixture
def home(begun_once, tmp_path):
    return shutil.copytree(begun_once[0], tmp_path / "home")


@pytest.fixture
def key(begun_once):
    return begun_once[1]


def reload(home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    return process("reload", "--json", "--home", home, env=environment)


def knows_the_app(server, key):
    """Whether each of many connections, which any worker may take, finds the app."""
    names = [[app["app"] for app in get(f"{server.ready['gateway']}/apps", key)[2]["apps"]] for _ in range(8)]
    return {"mine" in known for known in names}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reload_reaches_every_process_and_a_fault_none(home, key, workers):
    with serving(home, "--workers", workers) as server:
        (home / "providers").mkdir()
        (home / "providers" / "mine.toml").write_text(APP)
        (home / "moorage.toml").write_text('log_level = "warning"\nhost = "::1"\n')
        done = json.loads(reload(home).stdout)
        assert (done["applied"], done["apps"], done["waiting"]) == (["log_level"], ["mine"], ["host"])
        assert knows_the_app(server, key) == {True}
        (home / "moorage.toml").write_text("log_lvel = 'info'\n")
        (home / "providers" / "mine.toml").unlink()
        refused = reload(home)
        assert refused.returncode == 7 and "Did you mean log_level?" in refused.stderr
        assert knows_the_app(server, key) == {True}
        (home / "moorage.toml").unlink()
        assert json.loads(reload(home).stdout)["apps"] == ["mine"]
        assert knows_the_app(server, key) == {False}
        entries = json.loads(command(home, "audit", "--json", "--action", "server.reloaded").stdout)[
            "entries"
        ]
        status, _, err = server.stop()
    assert {"applied": ["log_level"], "apps": ["mine"], "needs_restart": ["host"]} in [
        e["after"] for e in entries
    ]
    assert (status, err.count("settings.refused")) == (0, 1)
    assert "Traceback" not in err and "worker_silent" not in err


def test_a_server_stops_if_its_terminal_is_closed(home):
    ours, theirs = pty.openpty()

    def take_the_terminal():
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Tests that run under nohup ignore it.
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    def popen(*arguments, **how):
        return subprocess.Popen(*arguments, preexec_fn=take_the_terminal, **how)  # noqa: PLW1509

    with serving(home, popen=popen) as server:
        os.close(theirs)
        server.process.send_signal(signal.SIGHUP)
        assert json.loads(reload(home).stdout)["waiting"] == []
        os.close(ours)
        assert server.process.wait(PATIENCE) == 0
    assert not (home / "run" / "server.json").exists()


def test_nothing_is_reloaded_if_no_server_runs(home):
    ended = reload(home)
    assert ended.returncode == 3 and "No server runs" in ended.stderr
