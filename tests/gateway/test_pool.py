"""Connections to an upstream if only few are allowed, none can be made, or they are broken."""

import json
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from moorage.connections.model import Upstream
from moorage.gateway.limits import Limits
from tests.gateway.wire import AUTHORIZED, OK, Client, World
from tests.waiting import wait_until

GET = f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n"


def code(answer):
    return json.loads(answer.body)["error"]["code"]


def test_everyone_is_told_at_once_when_nobody_is_there(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    # Had the second to wait for a place, the time for that would be over after the test's.
    world = World(limits=Limits(connect=30, connections=1))
    world.remote(port)
    start(world)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(world.port)) for _ in range(8)]
        for client in clients:
            client.send(GET)
        assert {code(client.answer()) for client in clients} == {"upstream_unreachable"}


def test_an_upstream_that_closes_each_connection_at_once(start):
    listener = socket.create_server(("127.0.0.1", 0))

    def slam():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

    threading.Thread(target=slam, daemon=True).start()
    world = World(limits=Limits(answer=30, connect=30, connections=2))
    world.remote(listener.getsockname()[1])
    start(world)
    with listener, Client(world.port) as client:
        for _ in range(60):
            assert code(client.get("/zoho-crm/a")) == "upstream_unreachable"
        listener.shutdown(socket.SHUT_RDWR)


def test_a_post_is_never_sent_twice_nor_lost_while_kept_connections_close(start, upstream):
    """An upstream that closes after each second answer, without saying so, under several callers at once."""
    answered = threading.local()

    def then_close(connection):
        answered.count = getattr(answered, "count", 0) + 1
        if answered.count % 2:
            return OK
        connection.sendall(OK)
        return None

    behind = upstream(then_close)
    world = World()
    world.remote(behind.port)
    start(world)
    sent, told = [], []

    def call(caller):
        with Client(world.port) as client:
            for number in range(30):
                name = f"{caller}-{number}"
                answer = client.post("/zoho-crm/a", name.encode())
                sent.append(name)
                told.append((answer.status, answer.names.get("moorage-request-sent")))
                time.sleep(0.001)
                assert client.get(f"/zoho-crm/b/{name}").status == 200

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    posts = [raw.partition(b"\r\n\r\n")[2] for raw in behind.requests if raw.startswith(b"POST")]
    assert len(sent) == 120 and len(posts) == len(set(posts))
    assert set(told) <= {(200, None), (502, "true")}


def test_more_callers_than_places_all_get_their_answer(relayed):
    world = World(limits=Limits(connect=5, answer=10, idle=10, connections=4))
    first = relayed(OK, world=world)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(world.port)) for _ in range(200)]
        for client in clients:
            client.send(GET)
        assert {client.answer().status for client in clients} == {200}
    assert first.upstream.accepted <= 4


def test_those_who_go_away_while_they_wait_leave_no_gap(relayed):
    world = World(limits=Limits(connect=5, answer=10, idle=10, connections=1))
    release = threading.Event()

    def wait(connection):
        release.wait(5)
        return OK

    first = relayed(wait, OK, world=world)
    first.send(GET)
    wait_until(lambda: first.upstream.requests)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(world.port)) for _ in range(10)]
        for client in clients:
            client.send(GET)
        wait_until(lambda: world.waiting() == 10)
        for client in clients[::2]:
            client.socket.close()
        wait_until(lambda: world.waiting() == 5)
        release.set()
        assert {client.answer().status for client in clients[1::2]} == {200}
    assert len(first.upstream.requests) == 6


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    ],
)
def test_a_coding_that_nobody_asked_for_is_not_passed_on_as_plain(relayed, raw):
    assert code(relayed(raw, keep=False).get("/zoho-crm/a")) == "upstream_invalid"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_framing_of_a_body_that_cannot_be_there(relayed, status, framing):
    client = relayed(b"HTTP/1.1 %d X\r\n%b\r\n\r\n" % (status, framing), OK)
    answer = client.get("/zoho-crm/a")
    assert answer.status == status and "transfer-encoding" not in answer.names
    # RFC 9110: never in a 204; in a 304 it is the length of what wasn't sent.
    assert ("content-length" in answer.names) == (status == 304 and framing.startswith(b"Content"))
    assert client.get("/zoho-crm/a").body == b"ok"
    assert client.upstream.accepted == 1


def test_a_literal_ipv6_upstream(start):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    world = World()
    world.remote(listener.getsockname()[1], host="[::1]")
    start(world)
    with listener, Client(world.port) as client:
        client.send(GET)
        connection, _ = listener.accept()
        with connection:
            assert f"\r\nHost: [::1]:{listener.getsockname()[1]}\r\n".encode() in connection.recv(65536)
            connection.sendall(OK)
            assert client.answer().body == b"ok"


def test_accounts_below_different_base_paths_share_the_connections_to_their_server(start, upstream):
    behind, world = upstream(), World()
    for name in ("one", "other"):
        world.upstreams[name] = Upstream("remote", f"http://127.0.0.1:{behind.port}/{name}")
    start(world)
    with Client(world.port) as client:
        for name in ("one", "other"):
            assert client.get("/zoho-crm/a", f"Maton-Connection: {name}\r\n").status == 200
    assert [request.split(b" ")[1] for request in behind.requests] == [b"/one/a", b"/other/a"]
    assert behind.accepted == 1
