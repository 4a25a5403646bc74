"""An app that is slow costs its own callers their time, and tells them so; nobody else notices."""

import contextlib
import json
import socket
import time
from contextlib import ExitStack

import pytest

from moorage.connections.model import Upstream
from moorage.gateway.limits import Limits, limits_of
from tests.gateway.wire import AUTHORIZED, OK, Client, World


def error_of(answer):
    return answer.status, json.loads(answer.body)["error"]["code"], answer.names["moorage-request-sent"]


@pytest.fixture
def silent():
    """An app that takes connections and never says anything."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener


@pytest.fixture
def two(start, upstream, silent):
    """A gateway with two apps: a silent app, to which it may have four connections, and an app that answers."""

    def build(limits):
        quick, world = upstream(OK), World(limits=limits)
        world.upstreams["slow"] = Upstream("remote", f"http://127.0.0.1:{silent.getsockname()[1]}")
        world.upstreams["quick"] = Upstream("remote", f"http://127.0.0.1:{quick.port}")
        return start(world)

    return build


def call(connection, method="GET"):
    return f"{method} /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Maton-Connection: {connection}\r\n\r\n"


def test_an_app_whose_places_are_all_taken_takes_none_of_the_others(two):
    world = two(Limits(connect=30, answer=60, idle=60, connections=4))
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(Client(world.port)).send(call("slow"))
        with Client(world.port) as client:
            for _ in range(50):
                client.send(call("quick"))
                assert client.answer().body == b"ok"


def test_every_one_of_its_callers_is_told_in_time(two):
    """The callers whose requests were sent, and the callers that got no connection."""
    world = two(Limits(connect=0.3, answer=3, idle=3, connections=4))
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(world.port)) for _ in range(12)]
        for client in clients:
            client.send(call("slow"))
        answers = [client.answer() for client in clients]
    errors = list(map(error_of, answers))
    assert errors.count((504, "upstream_timeout", "true")) == 4
    assert errors.count((504, "upstream_timeout", "false")) == 8
    assert [b"became free in time" in answer.body for answer in answers].count(True) == 8


def test_its_places_are_free_again_once_it_was_given_up(relayed):
    def never(connection):
        connection.recv(1)

    client = relayed(never, never, OK, world=World(limits=Limits(answer=0.3, idle=0.3, connections=1)))
    assert error_of(client.get("/zoho-crm/a")) == (504, "upstream_timeout", "true")
    assert error_of(client.post("/zoho-crm/a", b"abc")) == (504, "upstream_timeout", "true")
    assert client.get("/zoho-crm/a").body == b"ok"


def test_an_app_that_does_not_read_what_it_is_sent_is_given_up_too(start, silent):
    world = World(limits=Limits(answer=0.5, idle=0.5))
    world.remote(silent.getsockname()[1])
    start(world)
    with Client(world.port) as client:
        client.send(f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Content-Length: 100000000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):  # As much as is taken, which is far from everything.
                client.send(b"x" * (1 << 20))
        assert error_of(client.answer()) == (504, "upstream_timeout", "true")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"H", b""),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["a byte", "within a line", "lines", "100", "102"],
)
def test_an_app_that_never_comes_to_the_end_of_its_head_is_given_up_after_its_time(relayed, first, then):
    """However steadily something comes of it: the time is that of the whole head."""

    def drip(connection):
        connection.sendall(first)
        for _ in range(200):
            connection.sendall(then)
            time.sleep(0.05)

    client = relayed(drip, OK, world=World(limits=Limits(connect=10, answer=0.7, idle=0.7)))
    assert error_of(client.get("/zoho-crm/a")) == (504, "upstream_timeout", "true")
    assert len(client.upstream.requests) == 1 and not client.upstream.ended.is_set()
    assert client.get("/zoho-crm/a").body == b"ok"


def test_an_app_that_streams_may_take_as_long_as_it_moves(relayed):
    def stream(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(30):
            connection.sendall(b"1\r\nx\r\n")
            time.sleep(0.05)
        return b"0\r\n\r\n"

    client = relayed(stream, world=World(limits=Limits(connect=10, answer=0.5, idle=1.0)))
    assert client.get("/zoho-crm/a").body == b"x" * 30


@pytest.mark.parametrize(("answer", "connect"), [(0.5, 0.5), (3, 3), (60, 10)])
def test_an_app_has_no_more_time_to_take_a_connection_than_to_answer(answer, connect):
    limits = limits_of(answer)
    assert (limits.connect, limits.answer, limits.idle) == (connect, answer, answer)
    assert limits.wait <= max(answer, connect)
