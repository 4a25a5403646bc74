"""Whatever an upstream or a caller sends, in whatever pieces: an answer or a clean break, and the next call works."""

import itertools
import re
import socket
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.gateway.limits import Limits
from tests.gateway.wire import AUTHORIZED, OK, Client, Scripted, World

GET = f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n"
ANSWER = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 304 X\r\n", b"HTTP/1.1 401 No\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\n", b"HTTP/1.1 101 Switch\r\n", b"HTTP/1.0 500 X\r\n",
    b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Upgrade: x\r\nConnection: upgrade\r\n", b"X: \xe9\r\n", b"\r\n", b"abc",
    b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"\0", b"\n", b" b\r\n", OK,
]  # fmt: skip
CALL = [
    b"GET /zoho-crm/a HTTP/1.1\r\n", b"POST /zoho-crm/b HTTP/1.1\r\n", b"HEAD /zoho-crm/c HTTP/1.1\r\n",
    b"PUT /zoho-crm/d?x HTTP/1.0\r\n", b"TRACE /zoho-crm/e HTTP/1.1\r\n", b"GET /zoho-crm HTTP/1.1\r\n",
    b"GET /zoho-crm/../x HTTP/1.1\r\n", b"GET /other HTTP/1.1\r\n", AUTHORIZED.encode(), b"Host: a\r\n",
    b"Maton-Connection: remote\r\n", b"Maton-Connection: embedded\r\n", b"Maton-Connection: none\r\n",
    b"Connection: close, x\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: authorization, host, content-length\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"X-Request-Id: \xff\r\n", b"\r\n", b"abc", b"3\r\nabc\r\n", b"0\r\n\r\n", b"\0", b"\n",
]  # fmt: skip
cuts = st.lists(st.integers(0, 300), max_size=4)


def bytes_of(pieces):
    return st.lists(st.sampled_from(pieces) | st.binary(max_size=6), max_size=12).map(b"".join)


def cut(data, places):
    return [data[start:end] for start, end in itertools.pairwise([0, *sorted(places), len(data)])]


@pytest.fixture(scope="module")
def gateway():
    """A gateway, and an upstream whose script the tests change."""
    upstream = Scripted(OK)
    world = World(limits=Limits(connect=5, answer=5, idle=5))
    world.remote(upstream.port)
    world.embed()
    world.start()
    yield world, upstream
    world.stop()
    upstream.stop()


def read_all(client):
    taken = b""
    try:
        while part := client.socket.recv(65536):
            taken += part
    except ConnectionResetError:
        pass
    return taken


@given(data=bytes_of(ANSWER), places=cuts)
@settings(max_examples=200, deadline=None)
def test_an_upstream_may_send_anything(gateway, data, places):
    world, upstream = gateway

    played = threading.Event()

    def play(connection):
        try:
            for part in cut(data, places):
                connection.sendall(part)
                time.sleep(0.0002)
        finally:
            played.set()

    upstream.script = [play]
    with Client(world.port) as client:
        client.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
        answers = read_all(client)
    # What comes behind a whole answer would be taken for the next call's, if that were on its way by then.
    assert played.wait(5)
    assert not answers or re.match(rb"HTTP/1\.1 [2-9]\d\d ", answers)
    assert answers.count(b"X-Request-Id: ") + answers.count(b"x-request-id: ") <= 1 + data.count(
        b"x-request-id"
    )
    upstream.script = [OK]
    with Client(world.port) as client:
        assert client.get("/zoho-crm/next").body == b"ok"


@given(data=bytes_of(CALL), places=cuts)
@settings(max_examples=200, deadline=None)
def test_a_caller_may_send_anything(gateway, data, places):
    world, upstream = gateway
    upstream.script, upstream.requests = [OK], []
    with Client(world.port) as client:
        try:
            for part in cut(data, places):
                client.send(part)
            client.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It was refused before it had sent everything.
        answers = read_all(client)
    assert not re.search(rb"HTTP/1\.1 5\d\d", answers), answers
    with Client(world.port) as client:
        assert client.get("/zoho-crm/next").body == b"ok"
        embedded = client.get("/zoho-crm/next", "Maton-Connection: embedded\r\n").body
        # A run that takes more than a minute asks for the token again.
        assert re.fullmatch(rb"GET /next \nauthorization=Zoho-oauthtoken token-\d+\n0", embedded)
    for request in upstream.requests:
        head = request.partition(b"\r\n\r\n")[0]
        assert head.count(b"\r\nHost: ") == 1 and head.count(b"\r\nAuthorization: Zoho-oauthtoken ") == 1
        assert b"Maton-Connection" not in head and b"a key of sixteen characters" not in head
