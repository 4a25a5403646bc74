"""The client commands on a system that has not what only POSIX has, such as Windows."""

import os
import subprocess
import sys

import pytest

from tests.client.recorder import Recorder

# What the standard library itself needs on this system is loaded before the rest is hidden.
WITHOUT = """
import asyncio, importlib, multiprocessing, os, pathlib, shutil, signal, subprocess, sys, tempfile

for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty", "uvloop"):
    sys.modules[name] = None
for name in ("O_CLOEXEC", "O_NOCTTY", "O_NOFOLLOW", "O_TMPFILE", "fork", "getuid", "geteuid", "umask", "mkfifo"):
    delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask"):
    delattr(signal, name)

def spawn_only(method=None, get=multiprocessing.get_context):
    if method == "fork":
        raise ValueError("cannot find context for 'fork'")
    return get(method)

multiprocessing.get_context = spawn_only
from moorage.cli.program import run

sys.exit(run(sys.argv[1:]))
"""


def moorage(*arguments, **environ):
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_")}
    command = [sys.executable, "-P", "-c", WITHOUT, *arguments]
    return subprocess.run(
        command, env=kept | environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def server():
    recorder = Recorder()
    yield recorder
    recorder.close()


def test_every_command_is_loaded_and_a_call_is_made(server, tmp_path):
    assert "connection" in moorage("--help").stdout
    named = {"MOORAGE_URL": server.url, "MOORAGE_API_KEY": "mk_test", "MOORAGE_HOME": str(tmp_path / "home")}
    called = moorage("api", "/zoho-crm/crm/v8/Leads?fields=Last_Name", **named)
    assert called.returncode == 0, called.stderr
    assert server.seen[-1].target.startswith("/zoho-crm/crm/v8/Leads")


@pytest.mark.parametrize("command", [["up"], ["init"], ["key", "list"]], ids=" ".join)
def test_what_needs_a_data_folder_says_that_it_needs_posix(tmp_path, command):
    ended = moorage(*command, MOORAGE_HOME=str(tmp_path / "home"))
    assert ended.returncode == 1 and ended.stdout == "" and not (tmp_path / "home").exists()
    assert ended.stderr.startswith("moorage: A server and its data folder need a POSIX system")
    assert "WSL" in ended.stderr and "Traceback" not in ended.stderr
