"""`/healthz` and `/readyz` are answered without ASGI, in the same way as through it, for every caller."""

import json
import signal
import socket
import time

import pytest

from tests.flows.conftest import finish, start
from tests.gateway.wire import Client
from tests.waiting import wait_until

PROBES = ["/healthz", "/readyz"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("probes") / "home")
    yield server
    finish(server)


@pytest.fixture
def caller(server):
    with Client(int(server.gateway.rsplit(":", 1)[1])) as caller:
        yield caller


def answer_to(caller, path, method="GET", headers="", body=""):
    caller.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}")
    return caller.answer(bare=method == "HEAD")


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_answer_is_the_same_as_through_asgi(caller, path, method):
    sent = "X-Request-Id: mine\r\n"
    direct, through = (answer_to(caller, target, method, sent) for target in (path, f"{path}?x"))
    assert direct.status == through.status == 200
    assert direct.body == through.body and direct.names["x-request-id"] == "mine"
    told = {name: value for name, value in direct.names.items() if name != "date"}
    assert told == {name: value for name, value in through.names.items() if name != "date"}


@pytest.mark.parametrize("path", PROBES)
def test_a_body_is_left_aside_and_no_other_method_is_possible(caller, path):
    assert answer_to(caller, path, headers="Content-Length: 5\r\n", body="hello").status == 200
    assert answer_to(caller, path, headers="X-Request-Id: a b\r\n").names["x-request-id"] != "a b"
    refused = answer_to(caller, path, "POST", "Content-Length: 0\r\n")
    assert (refused.status, refused.names["allow"]) == (405, "GET, HEAD")


def test_readiness_tells_how_full_the_server_is(server, caller):
    def connections():
        return json.loads(answer_to(caller, "/readyz").body)["connections"]

    before = connections()["open"]
    port = int(server.crm.rsplit(":", 1)[1])
    more = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    wait_until(lambda: connections()["open"] == before + 3)
    for connection in more:
        connection.close()
    wait_until(lambda: connections()["open"] == before)
    assert connections()["limit"] > before


def test_trouble_is_told_as_through_asgi(server, caller):
    key = server.home / "vault.key"
    right = key.read_text()
    key.write_text("22" * 32)
    try:
        wait_until(lambda: answer_to(caller, "/readyz").status == 503)
        direct, through = answer_to(caller, "/readyz"), answer_to(caller, "/readyz?x")
    finally:
        key.write_text(right)
    assert direct.status == through.status == 503 and direct.body == through.body
    assert json.loads(direct.body)["error"]["code"] == "vault_locked"
    assert set(direct.names) == set(through.names)
    wait_until(lambda: answer_to(caller, "/readyz").status == 200)


def test_a_server_that_will_stop_says_so_and_goes_on_until_its_delay_is_over(own_server):
    server = own_server(MOORAGE_STOP_DELAY="60")
    server.process.send_signal(signal.SIGTERM)
    _, told = wait_until(lambda: (answer := server.get("/readyz"))[0] == 503 and answer)
    assert told["error"]["code"] == "server_stopping"
    time.sleep(1)  # Without a delay it would have ended by now.
    assert server.get("/zoho-crm/crm/v8/org")[0] == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 128 + signal.SIGTERM
