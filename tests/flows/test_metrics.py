"""The metrics of a whole server with two workers, on their own address."""

import http.client
import json
import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.flows.conftest import finish, start
from tests.metrics.scraped import number, samples_of
from tests.waiting import wait_until

PROGRAM = """
import sys
from moorage.app import App
from moorage.rooms import Urls
from moorage.settings import load
App(load({"MOORAGE_HOME": sys.argv[1]}), Urls("http://gateway.test", "http://crm.test"))
import moorage.serve.up
apart = "moorage.metrics", "prometheus", "moorage.tracing", "opentelemetry"
print([name for name in sys.modules if name.startswith(apart)])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One that keeps no record of calls."""
    off = {"MOORAGE_REQUESTS_KEPT": "0", "MOORAGE_LOG_LEVEL": "warning"}
    home = tmp_path_factory.mktemp("metrics") / "home"
    server = start(home, "--workers", "2", MOORAGE_METRICS="127.0.0.1:0", **off)
    server.metrics = json.loads((home / "run" / "server.json").read_text())["metrics"]
    yield server
    finish(server)


def ask(server, path="/metrics", method="GET", host=None, body=None):
    address = urlsplit(server.metrics)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request(method, path, body=body, headers={} if host is None else {"Host": host})
    response = connection.getresponse()
    found = response.status, response.headers, response.read()
    connection.close()
    return found


def scraped(server, name, **labels):
    return number(samples_of(ask(server)[2]), name, **labels)


def test_one_answer_has_the_calls_of_all_workers_also_of_those_that_were_killed(server):
    def call(times):
        for _ in range(times):
            assert server.get("/zoho-crm/crm/v8/org")[0] == 200

    def counted():
        return scraped(server, "moorage_requests_total", app="zoho-crm", status="2xx")

    call(8)
    wait_until(lambda: counted() == 8, 30)
    children = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True
    )
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    wait_until(
        lambda: len({sample for sample in samples_of(ask(server)[2]) if "memory" in sample[0]}) == 2, 30
    )
    assert counted() >= 8
    call(2)
    wait_until(lambda: counted() == 10, 30)


def test_the_address_has_nothing_but_metrics_for_this_machine(server):
    status, headers, body = ask(server)
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert server.api_key.encode() not in body and str(server.home).encode() not in body
    assert [ask(server, path)[0] for path in ("/healthz", "/", "/connections", "/readyz")] == [
        200,
        404,
        404,
        404,
    ]
    assert [ask(server, method=method)[0] for method in ("HEAD", "POST", "DELETE")] == [200, 405, 405]
    assert ask(server, method="POST", body=b"x" * 100_000)[0] == 413
    hosts = "localhost:1", "[::1]", "metrics.example.com", "[", ""
    assert [ask(server, host=host)[0] for host in hosts] == [200, 200, 404, 404, 404]
    assert server.call("GET", "/metrics")[0] == 404  # The gateway's address does not have them.


def test_a_server_without_metrics_and_traces_loads_nothing_of_them(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
