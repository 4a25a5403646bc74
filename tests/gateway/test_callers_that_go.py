"""If a caller goes away, the work for its call ends, at whatever stage the call is."""

import asyncio
import contextlib
import socket
import struct
import threading

import pytest

from moorage.gateway.limits import Limits
from tests.gateway.wire import AUTHORIZED, Client, Tokens, World
from tests.http.origin import Pending
from tests.waiting import wait_until

PATIENT = Limits(connect=60, answer=60, idle=60, stalled=60)
GET = f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n"


@pytest.fixture(params=["closes", "resets"])
def leave(request):
    """Ends a client's connection."""

    def leave(client):
        if request.param == "resets":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()

    return leave


@pytest.fixture
def app(start):
    """A listening socket that an app's connections come to, and a gateway before it, whose patience is long."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(5)
        world = World(limits=PATIENT)
        world.remote(listener.getsockname()[1])
        start(world)
        yield listener, world


def accepted_connection(listener):
    """The app's connection on which the call has arrived."""
    connection, _ = listener.accept()
    assert connection.recv(65536)
    return connection


def has_ended(connection):
    """Whether the gateway ends the connection while it would still wait for an answer for a minute."""
    connection.settimeout(5)
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 20):
            pass
    return True


def test_while_the_app_thinks(app, leave):
    listener, world = app
    client = Client(world.port)
    client.send(GET)
    with accepted_connection(listener) as connection:
        leave(client)
        assert has_ended(connection)


def test_while_its_body_is_on_the_way(app, leave):
    listener, world = app
    client = Client(world.port)
    client.send(f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Content-Length: 1000000\r\n\r\n" + "x" * 1000)
    with accepted_connection(listener) as connection:
        leave(client)
        assert has_ended(connection)


def test_while_the_answer_is_on_the_way(app, leave):
    listener, world = app
    client = Client(world.port)
    client.send(GET)
    with accepted_connection(listener) as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert b"abc" in client.socket.recv(65536)
        leave(client)
        assert has_ended(connection)


def test_while_it_reads_nothing_of_a_large_answer(app, leave):
    listener, world = app
    client = Client(world.port)
    client.send(GET)
    with accepted_connection(listener) as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        connection.settimeout(0.2)
        with contextlib.suppress(TimeoutError):  # Until nobody takes any more.
            while True:
                connection.sendall(b"x" * (1 << 20))
        leave(client)
        assert has_ended(connection)


def test_while_a_token_is_fetched(start, upstream, leave):
    class Slow(Tokens):
        def __init__(self):
            super().__init__()
            self.asked, self.go = threading.Event(), asyncio.Event()

        async def access(self, connection, *, instead_of=None):
            self.asked.set()
            await self.go.wait()
            return await super().access(connection, instead_of=instead_of)

    behind, world = upstream(), World(tokens=Slow(), limits=PATIENT)
    world.remote(behind.port)
    start(world)
    client = Client(world.port)
    client.send(GET)
    assert world.tokens.asked.wait(5)
    leave(client)
    wait_until(lambda: not world.server.server_state.connections)
    world.call(world.tokens.go.set)
    with Client(world.port) as another:
        assert another.get("/zoho-crm/b").status == 200
    assert [raw.split(b" ")[1] for raw in behind.requests] == [b"/b"]


def test_while_it_waits_for_a_connection_to_become_free(start, leave):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        world = World(limits=Limits(connect=60, answer=60, idle=60, connections=1))
        world.remote(listener.getsockname()[1])
        start(world)
        with Client(world.port) as first:
            first.send(GET)
            with accepted_connection(listener) as connection:
                second = Client(world.port)
                second.send(GET.replace("/a", "/b"))
                wait_until(lambda: world.waiting() == 1)
                leave(second)
                wait_until(lambda: world.waiting() == 0)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                assert first.answer().body == b"ok"


@pytest.mark.parametrize(("method", "outcome"), [("GET", "given up"), ("HEAD", "given up"), ("POST", "done")])
def test_while_the_embedded_crm_looks_for_the_answer(start, leave, method, outcome):
    """What changes something comes to its end."""
    pending = Pending()
    world = World(door=pending)
    world.embed()
    start(world)
    client = Client(world.port)
    client.send(f"{method} /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    assert pending.begun.wait(5)
    leave(client)
    wait_until(lambda: not world.server.server_state.connections)
    pending.let_go.set()
    assert pending.ended.wait(5)
    assert pending.outcome == outcome
