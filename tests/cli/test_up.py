"""`moorage up` as a process of its own, seen through its output, its sockets and its signals."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from moorage import __version__
from moorage.cli.serving import _print_banner
from moorage.client import Moorage
from moorage.keys.model import new_secret
from moorage.serve.up import Ready
from tests import forked
from tests.cli.conftest import process
from tests.waiting import wait_until

PATIENCE = 30  # Seconds: far more than a start or a stop takes, even on a machine that is busy.


class Server:
    """A running `moorage up --json`."""

    def __init__(self, home, *options, popen=forked.popen, folder=None, stderr=subprocess.PIPE, **settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
        self.process = popen(
            [sys.executable, "-P", "-m", "moorage", "up", "--json", "--home", str(home), *options],
            env=environment | {"MOORAGE_PORT": "0", "MOORAGE_CRM_PORT": "0", **settings},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert wait([self.process.stdout], PATIENCE), "it said nothing"
        line = self.process.stdout.readline()
        self.ready = json.loads(line) if line else None

    def stop(self, number=signal.SIGTERM):
        """(exit status, what else it wrote on standard output, standard error)"""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def serving(home, *options, **settings):
    server = Server(home, *options, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


def get(url, key=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return response.status, response.headers, json.loads(response.read())


def leads(server, key):
    return get(f"{server.ready['gateway']}/zoho-crm/crm/v8/Leads?fields=Last_Name&per_page=1", key)


def command(home, *arguments, **settings):
    """A command in a shell that knows nothing of what the server was told."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    ended = process(*arguments, "--home", home, env=environment | settings)
    assert ended.returncode == 0, ended.stderr
    return ended


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def page_faults(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see processes")


@pytest.fixture(autouse=True)
def nothing_ignored():
    """A server heeds no signal that it was started to ignore, as everything is that a script runs beside itself."""
    kept = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP,)}
    kept[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun") / "home"
    return folder, command(folder, "init").stdout.strip()


@pytest.fixture
def begun(begun_once, home):
    """The key of a data folder whose first start is over: what that makes takes a third of a start's time."""
    folder, key = begun_once
    shutil.copytree(folder, home)
    return key


def test_the_first_request_works_with_the_key_of_the_first_start(home):
    with serving(home, popen=subprocess.Popen) as server:
        assert server.ready["event"] == "ready"
        status, headers, body = leads(server, server.ready["api_key"])
        assert (status, len(body["data"])) == (200, 1)
        assert headers["Server"] is None
        status, headers, _ = get(f"{server.ready['gateway']}/healthz")
        assert (status, headers["Server"]) == (200, None)
        assert headers["Date"]
        assert get(f"{server.ready['gateway']}/readyz")[0] == 200
        link = server.ready["owner_link"]
        with urllib.request.urlopen(link) as page:
            assert page.status == 200 and link.startswith(f"{server.ready['gateway']}/enter?token=")
        status, out, err = server.stop()
        assert (status, out) == (0, "")
        assert server.ready["api_key"] not in err and link.partition("=")[2] not in err


def test_the_first_screen_of_the_readme_is_true(home):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    [path] = re.findall(r"'http://127\.0\.0\.1:8787(/\S+)'", readme)
    [answer] = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    with serving(home) as server:
        assert get(f"{server.ready['gateway']}{path}", server.ready["api_key"])[2] == json.loads(answer)


def test_the_key_is_shown_once_and_keeps_working(home):
    with serving(home) as server:
        key = server.ready["api_key"]
        server.stop()
    with serving(home) as server:
        assert server.ready["api_key"] is None and "owner_link" not in server.ready
        assert leads(server, key)[0] == 200


def test_the_server_holds_nothing_that_only_the_command_line_or_a_page_needs(home, tmp_path):
    imports = tmp_path / "imports"
    with imports.open("w") as stderr, serving(home, stderr=stderr, PYTHONPROFILEIMPORTTIME="1") as server:
        server.stop()
    _, command, program = imports.read_text().split(
        "| imported package\n"
    )  # The command becomes the program.
    assert "typer" in command
    assert "apsw" in program
    assert not re.search(r"\b(typer|rich|structlog|jinja2|sqlalchemy\.orm|moorage\.cli\.program)\b", program)


def test_the_working_folder_is_no_place_to_take_modules_from(home, tmp_path, begun):
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in ("sqlalchemy", "json", "moorage"):
        (folder / f"{name}.py").write_text("raise SystemExit(99)")
    with serving(home, folder=folder, popen=subprocess.Popen) as server:
        assert server.ready


def test_options_win_over_the_environment(home, tmp_path, begun):
    elsewhere = tmp_path / "elsewhere"
    with serving(home, "--host", "::1", MOORAGE_HOST="127.0.0.1", MOORAGE_HOME=str(elsewhere)) as server:
        assert server.ready["gateway"].startswith("http://[::1]:")
        assert not elsewhere.exists()


@needs_proc
def test_no_secret_stands_in_the_command_line_of_the_server(home):
    chosen = {"MOORAGE_API_KEY": "chosen-by-the-operator"}
    with serving(home, popen=subprocess.Popen, **chosen) as server:
        assert b"chosen-by" not in command_line(server.process.pid)
    with serving(home, popen=subprocess.Popen) as server:
        assert b"mk_" not in command_line(server.process.pid)


@needs_proc
def test_memory_for_large_answers_is_not_taken_anew_each_time(home, begun):
    lead = {"Last_Name": "Verne", "Company": "Hetzel", "Description": "x" * 2000}
    kept = serving(home, popen=subprocess.Popen)
    with kept as server, Moorage(begun, server.ready["gateway"]) as client:
        for _ in range(2):
            client.request("POST", "/zoho-crm/crm/v8/Leads", json={"data": [lead] * 100})

        def read(times):
            for _ in range(times):
                answer = client.request("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name,Description")
                assert len(answer.body) > 200 * 2000

        read(10)
        before = page_faults(server.process.pid)
        read(20)
        assert page_faults(server.process.pid) - before < 20 * 20


def test_a_second_server_on_the_same_folder_is_refused(home, begun):
    with serving(home) as first, serving(home) as second:
        status, out, err = second.stop()
        assert (second.ready, status, out) == (None, 6, "")
        line = err.splitlines()[0]
        assert str(first.process.pid) in line
        assert first.ready["gateway"] in line
        assert leads(first, begun)[0] == 200


def test_a_taken_port_is_refused_before_anything_is_made(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with serving(home, "--crm-port", str(taken.getsockname()[1])) as server:
            status, out, err = server.stop()
    assert (server.ready, status, out) == (None, 8, "")
    assert "--crm-port or MOORAGE_CRM_PORT" in err
    with serving(home) as server:
        assert server.ready["api_key"]


def test_the_folder_says_where_the_server_is_while_it_runs_and_what_it_was_told(home):
    told = {"MOORAGE_PUBLIC_URL": "https://moorage.example.com", "MOORAGE_VAULT_KEY": "5a" * 32}
    with serving(home, **told) as server:
        note = json.loads((home / "run" / "server.json").read_text())
        assert note.pop("settings") == {
            "MOORAGE_PORT": "0",
            "MOORAGE_CRM_PORT": "0",
            "MOORAGE_PUBLIC_URL": "https://moorage.example.com",
            "MOORAGE_VAULT_KEY": None,
        }
        where = {"pid": server.process.pid} | {name: server.ready[name] for name in ("gateway", "crm")}
        assert where.items() <= note.items() and (note["version"], note["workers"]) == (__version__, 1)
        assert note["sources"]["public_url"] == "environment MOORAGE_PUBLIC_URL"
        command(home, "key", "create", MOORAGE_VAULT_KEY="5a" * 32)
        listed = json.loads(command(home, "client", "list", "--json").stdout)
        assert listed["callback_url"] == "https://moorage.example.com/connect/callback"
        assert not (home / "vault.key").exists()
        server.stop()
    assert not (home / "run" / "server.json").exists()
    assert "moorage.example.com" in (home / "run" / "last.json").read_text()
    assert "5a5a" not in (home / "run" / "last.json").read_text()


def test_nothing_in_the_folder_is_readable_by_others(home):
    with serving(home) as server:
        server.stop()
    paths = [home, *home.rglob("*")]
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_these_signals_stop_it_well(home, number, workers, begun):
    popen = subprocess.Popen if number == signal.SIGTERM else forked.popen
    with serving(home, "--workers", workers, popen=popen) as server:
        status, out, err = server.stop(number)
        assert (status, out) == (0, "")
        assert not (home / "run" / "server.json").exists()
        assert "server.started" in err and "server.stopped" in err
        assert "Traceback" not in err


def test_a_kept_alive_connection_does_not_hold_it_up(home, begun):
    with serving(home) as server:
        with Moorage(begun, server.ready["gateway"]) as client:
            client.request("GET", "/connections")
            began = time.monotonic()
            assert server.stop()[0] == 0
        assert time.monotonic() - began < 5


@contextmanager
def request_under_way(server, key):
    """A POST whose body has not all been sent."""
    address = urlsplit(server.ready["gateway"])
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as client:
        head = f"POST /zoho-crm/crm/v8/Leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        time.sleep(0.2)
        yield client


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_request_under_way_is_answered_before_it_stops(home, workers, begun):
    with serving(home, "--workers", workers) as server, request_under_way(server, begun) as client:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.process.poll() is None
        record = b'"data":[{"Last_Name":"Hopper"}]}'
        client.sendall(record + b" " * (99 - len(record)))
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(PATIENCE) == 0


def test_the_first_key_may_be_chosen_and_later_starts_leave_it_alone(home):
    with serving(home, MOORAGE_API_KEY="chosen-by-the-operator") as server:
        assert server.ready["api_key"] is None
        assert leads(server, "chosen-by-the-operator")[0] == 200
        _, out, err = server.stop()
        assert "chosen-by" not in out + err
    with serving(home, MOORAGE_API_KEY="another-of-the-operator") as server:
        assert leads(server, "chosen-by-the-operator")[0] == 200
        with pytest.raises(urllib.error.HTTPError, match="401"):
            leads(server, "another-of-the-operator")


def test_a_key_of_ours_that_was_mistyped_does_not_become_the_first_one(home):
    secret = new_secret("live")
    mistyped = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    with serving(home, MOORAGE_API_KEY=mistyped) as server:
        status, out, err = server.stop()
    assert (server.ready, status, out) == (None, 7, "")
    assert "MOORAGE_API_KEY" in err and mistyped not in err


def test_a_folder_made_before_the_first_start_has_something_to_call(home):
    outcome = command(home, "init")
    with serving(home) as server:
        assert server.ready["api_key"] is None
        assert len(leads(server, outcome.stdout.strip())[2]["data"]) == 1


def test_everything_it_logs_goes_to_standard_error(home, begun):
    with serving(home, "--workers", "2", MOORAGE_LOG_LEVEL="debug") as server:
        leads(server, begun)
        assert wait([server.process.stdout], 0.2) == []
        status, out, _ = server.stop()
        assert (status, out) == (0, "")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_signal_ends_it_at_once(home, workers, begun):
    with serving(home, "--workers", workers) as server, request_under_way(server, begun):
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        status, _, _ = server.stop(signal.SIGTERM)
        assert status in {128 + signal.SIGTERM, -signal.SIGTERM}
        assert time.monotonic() - began < 3
    assert not (home / "run" / "server.json").exists()


def test_what_was_acknowledged_survives_a_kill(home, begun):
    with serving(home) as server:
        with Moorage(begun, server.ready["gateway"]) as client:
            body = {"data": [{"Last_Name": "Hopper", "Company": "Navy"}]}
            answer = client.request("POST", "/zoho-crm/crm/v8/Leads", json=body)
        record = answer.json()["data"][0]["details"]["id"]
        server.process.kill()
        server.process.communicate()
    with serving(home) as server:
        url = f"{server.ready['gateway']}/zoho-crm/crm/v8/Leads/{record}?fields=Last_Name"
        assert get(url, begun)[2]["data"][0]["Last_Name"] == "Hopper"


def children(process):
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in listing.read_text().split()]


@needs_proc
def test_two_workers_serve_and_a_crashed_one_comes_back(home, begun):
    with serving(home, "--workers", "2") as server:
        before = children(server.process)
        assert len(before) == 2
        assert leads(server, begun)[0] == 200
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(set(children(server.process)) - {before[0]}) == 2, PATIENCE)
        for _ in range(10):
            assert leads(server, begun)[0] == 200
        status, _, err = server.stop()
        assert status == 0
        assert "worker ended" in err


@needs_proc
def test_the_process_that_keeps_the_workers_running_is_safe_to_fork(home, begun):
    with serving(home, "--workers", "2", popen=subprocess.Popen) as server:
        process = Path(f"/proc/{server.process.pid}")
        assert len(list((process / "task").iterdir())) == 1
        opened = [str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()]
        assert not [path for path in opened if path.endswith((".db", "-wal", "-shm", ".sqlite"))]
        assert str(home / "lock") in opened


@needs_proc
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_told_to_stop_comes_back_and_the_others_stay(home, victim, begun):
    with serving(home, "--workers", "2") as server:
        before = children(server.process)
        os.kill(before[victim], signal.SIGTERM)
        wait_until(
            lambda: len(children(server.process)) == 2 and before[victim] not in children(server.process),
            PATIENCE,
        )
        assert before[1 - victim] in children(server.process)
        assert leads(server, begun)[0] == 200
        assert server.stop()[0] == 0


@needs_proc
def test_workers_do_not_outlive_the_process_that_started_them(home, begun):
    with serving(home, "--workers", "2") as server:
        workers = children(server.process)
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not any(command_line(worker) for worker in workers), PATIENCE)


def test_people_are_shown_the_key_once_and_what_to_try(home):
    environment = os.environ | {"MOORAGE_PORT": "0", "MOORAGE_CRM_PORT": "0", "MOORAGE_HOME": str(home)}
    environment.pop("MOORAGE_API_KEY", None)
    command = [sys.executable, "-u", "-m", "moorage", "up"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        lines = [process.stdout.readline()]
        while "Ctrl-C" not in lines[-1] and lines[-1]:
            lines.append(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    banner = "".join(lines)
    assert "API key" in banner
    assert "curl -H 'Authorization: Bearer " in banner
    assert len(re.findall(r"http://127\.0\.0\.1:\d+/enter\?token=[\w-]{43}\n", banner)) == 1
    assert process.returncode == 0


def test_a_later_start_says_where_people_go(capsys):
    _print_banner(
        Ready("http://127.0.0.1:1", "http://127.0.0.1:2", None, public_url="https://m.example"), "Ctrl-C"
    )
    shown = capsys.readouterr().out
    assert "  Public   https://m.example\n" in shown
    assert "  The console:     moorage open\n" in shown


def test_what_changes_keys_and_connections_is_logged_without_their_secrets(home, begun):
    with serving(home) as server, Moorage(begun, server.ready["gateway"]) as client:
        key, secret = client.keys.create("ci")
        client.keys.revoke(key["id"])
        connection = client.connections.create("zoho-crm")
        client.connections.delete(connection["connection_id"])
        _, _, err = server.stop()
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    told = {event["event"]: event for event in events}
    assert {"key.created", "key.revoked", "connection.created", "connection.deleted"} <= told.keys()
    assert told["key.revoked"]["key"] == key["id"] and told["key.revoked"]["by"].startswith("key_")
    assert secret not in err and begun not in err


def test_who_lets_other_machines_in_is_told_what_that_means(home, begun):
    with serving(home, "--host", "0.0.0.0") as server:
        _, _, err = server.stop()
    assert "plain HTTP" in err and "10 requests per second" in err and "MOORAGE_PUBLIC_URL" in err
