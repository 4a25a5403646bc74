"""An answer that its app breaks off: the caller gets all that came of it, and sees that it is not the whole."""

import socket
import struct
import time

import pytest
from msgspec.structs import replace

from moorage.gateway.limits import Limits
from tests.gateway.wire import AUTHORIZED, OK, Client, World
from tests.waiting import wait_until

SIZE = 300_000
BODY = bytes(range(256)) * (SIZE // 256) + b"x" * (SIZE % 256)
PATIENT = Limits(connect=10, answer=10, idle=10, stalled=10)

FRAMINGS = {
    "length": (b"1.1 200 OK\r\nContent-Length: 1000000", BODY),
    "chunked": (b"1.1 200 OK\r\nTransfer-Encoding: chunked", b"%x\r\n%b\r\n" % (SIZE, BODY)),
    "within a chunk": (b"1.1 200 OK\r\nTransfer-Encoding: chunked", b"f4240\r\n" + BODY),
    "none": (b"1.1 200 OK", BODY),
    "HTTP/1.0": (b"1.0 200 OK", BODY),
}


def close(connection):
    """Orderly, but for what was promised."""


def reset(connection):
    time.sleep(0.3)  # A reset may overtake what it follows, and then nobody has it.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut(connection):
    """Without the word by which TLS ends."""
    socket.socket.shutdown(connection, socket.SHUT_RDWR)


def stop(connection):
    connection.recv(1)  # Nothing comes any more, until the gateway gives it up.


def read(client, *, late, slow=False):
    """Everything up to the end of the connection, and whether that was a clean one."""
    got = bytearray()
    if late:
        time.sleep(0.4)
    try:
        while part := client.socket.recv(8192 if slow else 1 << 20):
            got += part
            if slow and len(got) < SIZE:
                time.sleep(0.005)
    except ConnectionResetError:
        return bytes(got), False
    return bytes(got), True


def unchunked(body):
    """The content of all complete chunks, and True if the last chunk is there."""
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return content, True
        content, body = content + body[:length], body[length + 2 :]
    return content, False


def ask(start, upstream, framing, ending, *, version="1.1", tls=None, limits=PATIENT):
    head, body = FRAMINGS[framing]

    def answer(connection):
        connection.sendall(b"HTTP/%b\r\n\r\n%b" % (head, body))
        ending(connection)

    behind = upstream(answer, tls=tls and tls[0])
    world = World(limits=limits, tls=tls and tls[1])
    world.remote(behind.port, scheme="https" if tls else "http", host="localhost")
    start(world)
    client = Client(world.port)
    client.send(f"GET /zoho-crm/a HTTP/{version}\r\n{AUTHORIZED}\r\n")
    return client


def check(client, **how):
    got, clean = read(client, **how)
    head, _, body = got.partition(b"\r\n\r\n")
    whole = clean
    if b"chunked" in head:
        body, whole = unchunked(body)
    elif b"Content-Length: 1000000" in head:
        whole = False
    assert (len(body), body == BODY, whole) == (SIZE, True, False)


@pytest.mark.parametrize("late", [False, True], ids=["eager", "late"])
@pytest.mark.parametrize("ending", [close, reset])
@pytest.mark.parametrize("framing", ["length", "chunked", "within a chunk"])
def test_all_that_came_is_passed_on(start, upstream, framing, ending, late):
    with ask(start, upstream, framing, ending) as client:
        check(client, late=late)


@pytest.mark.parametrize("framing", ["none", "HTTP/1.0"])
def test_a_reset_ends_one_whose_length_nobody_knows_too(start, upstream, framing):
    with ask(start, upstream, framing, reset) as client:
        check(client, late=True)


@pytest.mark.parametrize("framing", ["length", "chunked", "within a chunk", "none"])
def test_a_caller_of_http_1_0_sees_it_though_nothing_frames_the_answer(start, upstream, framing):
    ending = reset if framing == "none" else close
    with ask(start, upstream, framing, ending, version="1.0") as client:
        check(client, late=True)


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_who_reads_slowly_gets_all_of_it(start, upstream, framing):
    with ask(start, upstream, framing, reset) as client:
        check(client, late=True, slow=True)


@pytest.mark.parametrize("late", [False, True], ids=["eager", "late"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_app_that_was_cut_off_below_tls(start, upstream, certificate, framing, late):
    server, client_context, _ = certificate
    with ask(start, upstream, framing, cut, tls=(server, client_context)) as client:
        check(client, late=late)


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_an_app_that_stops_and_is_given_up(start, upstream, framing):
    limits = Limits(connect=10, answer=10, idle=0.5, stalled=10)
    with ask(start, upstream, framing, stop, limits=limits) as client:
        check(client, late=False)


def test_a_large_answer_over_tls_that_ends_with_its_connection_is_whole_for_a_late_reader(
    start, upstream, certificate
):
    body = BODY * 20
    server, client_context, _ = certificate

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    world = World(limits=PATIENT, tls=client_context)
    world.remote(upstream(answer, tls=server).port, scheme="https", host="localhost")
    start(world)
    with Client(world.port) as client:
        client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
        time.sleep(0.5)
        assert client.answer().body == body


def test_a_caller_who_reads_nothing_more_is_given_up(start, upstream):
    """However much waits for them, it does not wait for ever."""

    def pour(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
        connection.sendall(bytes(64 << 20))

    world = World(limits=Limits(connect=10, answer=10, idle=10, stalled=0.5))
    world.remote(upstream(pour).port)
    start(world)
    with Client(world.port) as client:
        client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
        wait_until(lambda: world.server.server_state.connections)
        wait_until(lambda: not world.server.server_state.connections, seconds=10)


def test_a_caller_who_stops_reading_after_it_broke_off_is_given_up_too(start, upstream):
    def most(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
        for _ in range(64):
            connection.settimeout(0.2)
            try:
                connection.sendall(bytes(1 << 20))
            except TimeoutError:
                return

    world = World(limits=replace(PATIENT, stalled=2), keep_alive=0.5)
    world.remote(upstream(most).port)
    start(world)
    with Client(world.port) as client:
        client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
        wait_until(lambda: world.server.server_state.connections)
        client.socket.recv(100)
        wait_until(lambda: not world.server.server_state.connections, seconds=20)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/3 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nRTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nICE/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTQ/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTQ/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_nonsense_of_which_the_caller_has_nothing_yet_is_told(relayed, nonsense):
    client = relayed(nonsense, OK)
    answer = client.get("/zoho-crm/a")
    assert answer.status == 502 and b'"upstream_invalid"' in answer.body
    assert answer.names["moorage-request-sent"] == "true"
    assert client.get("/zoho-crm/a").body == b"ok"


@pytest.mark.parametrize("size", [1, 3, 6, 7, 8, 11])
@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"]
)
def test_an_answer_may_come_in_pieces_from_its_first_byte_on(relayed, size, before):
    whole = before + OK

    def slowly(connection):
        for begin in range(0, len(whole), size):
            connection.sendall(whole[begin : begin + size])
            time.sleep(0.002)
        return b""

    client = relayed(slowly)
    assert [client.get("/zoho-crm/a").body for _ in range(2)] == [b"ok"] * 2
    assert client.upstream.accepted == 1
