"""WebSocket through the gateway: the call as any other, then every byte both ways, and one end for both sides."""

import asyncio
import contextlib
import json
import socket
import struct
import time

import aiohttp
import pytest
from msgspec.structs import replace

from tests.gateway.sockets import ASK, PATIENT, afresh, chatting, echo, refusal, talk
from tests.gateway.wire import KEY, Client, World
from tests.waiting import wait_until

AGREED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: x\r\n\r\n"
)


@pytest.fixture(scope="module", params=["http", "https"])
def scheme(request):
    return request.param


@pytest.fixture(scope="module")
def new_chat(certificate, scheme):
    """Makes a gateway before an app that speaks WebSocket, with and without TLS."""
    server, client_context, _ = certificate
    tls = server if scheme == "https" else None
    return lambda: chatting(World(limits=PATIENT, tls=client_context), tls, scheme)


@pytest.fixture(scope="module")
def shared_chat(new_chat):
    with new_chat() as chat:
        yield chat


@pytest.fixture
def chat(shared_chat):
    """One that those share who leave it as it was."""
    return afresh(shared_chat)


@pytest.fixture(scope="module")
def patient():
    """A gateway for all tests that don't need their own."""
    world = World(limits=PATIENT)
    world.start()
    yield world
    world.stop()


@pytest.fixture
def raw(start, patient):
    """A caller and an app as bare sockets, once the app has agreed; `early` is sent behind the request's head."""
    with contextlib.ExitStack() as stack:

        def build(*, early=b"", agreed=AGREED, limits=PATIENT):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            world = patient if limits is PATIENT else World(limits=limits)
            world.remote(listener.getsockname()[1])
            if world is patient:
                world.call(world.resolver.clear)
            else:
                start(world)
            caller = stack.enter_context(Client(world.port))
            caller.world = world
            caller.send(ASK.encode() + early)
            listener.settimeout(5)
            app, _ = listener.accept()
            stack.enter_context(app)
            app.settimeout(5)
            head = b""
            while b"\r\n\r\n" not in head:
                head += app.recv(65536)
            assert head.endswith(b"\r\n\r\n")  # And nothing behind it.
            if agreed:
                app.sendall(agreed)
                assert b" 101 " in until(caller.socket, b"\r\n\r\n")
            return caller, app

        yield build


def until(sock, end):
    got = b""
    while end not in got:
        part = sock.recv(1)
        assert part, got
        got += part
    return got


def rest(sock):
    """What still comes, and how it ends."""
    got = b""
    try:
        while part := sock.recv(65536):
            got += part
    except ConnectionResetError:
        return got, "reset"
    return got, "end"


def test_messages_pass_both_ways(chat):
    first, second, third = talk(chat.port, "/zoho-crm/echo?a=b,c", echo)
    assert (first, second, third) == ("äöü", bytes(range(256)) * 4096, "")


def test_the_app_gets_the_call_as_any_other_with_the_token_for_the_key(chat):
    more = {"Cookie": "a=b", "X-One": "1", "Origin": "https://page.test", "X-Request-Id": "r1"}

    async def look(ws):
        return ws.protocol, ws._response.headers

    protocol, headers = talk(
        chat.port, "/zoho-crm/echo?a=b,c", look, headers=more, protocols=("other", "chat")
    )
    [(path, got)] = chat.app.requests
    assert path == "/echo?a=b,c" and protocol == "chat"
    assert got["authorization"] == "Zoho-oauthtoken token-1" and KEY not in str(got)
    assert (got["upgrade"], got["connection"]) == ("websocket", "Upgrade")
    assert got["x-one"] == "1" and got["origin"] == "https://page.test" and "cookie" not in got
    assert got["sec-websocket-version"] == "13" and got["sec-websocket-protocol"] == "other,chat"
    assert headers["x-request-id"] == "r1" and headers["moorage-connection"] == "remote"
    assert headers["moorage-environment"] == "live"


def test_extensions_are_agreed_upon_by_the_two_sides(chat):
    async def compressed(ws):
        await ws.send_str("x" * 100_000)
        return (await ws.receive()).data, ws.compress

    assert talk(chat.port, "/zoho-crm/echo", compressed, compress=15) == ("x" * 100_000, 15)


def test_the_apps_close_reaches_the_caller(chat):
    async def hear(ws):
        assert (await ws.receive()).data == "first"
        last = await ws.receive()
        return last.type, last.data, last.extra, ws.close_code

    assert talk(chat.port, "/zoho-crm/bye", hear) == (aiohttp.WSMsgType.CLOSE, 4321, "so long", 4321)


def test_the_callers_close_reaches_the_app(chat):
    async def leave(ws):
        await ws.close(code=4567, message=b"enough")

    talk(chat.port, "/zoho-crm/echo", leave)
    wait_until(lambda: chat.app.ends)
    assert chat.app.ends == [4567]
    wait_until(lambda: not chat.gateway.tunnels._open)
    wait_until(lambda: not chat.server.server_state.connections)


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_a_caller_that_goes_without_a_word_ends_the_apps_socket(chat, how):
    with Client(chat.port) as client:
        client.send(ASK.replace("/chat", "/echo"))
        assert b" 101 " in until(client.socket, b"\r\n\r\n")
        if how == "resets":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
    wait_until(lambda: chat.app.ends)
    assert len(chat.app.ends) == 1 and chat.app.ends[0] in {None, 1006}
    wait_until(lambda: not chat.gateway.tunnels._open)


def test_an_app_that_dies_ends_the_callers_socket(chat):
    async def kill():
        chat.app.open[0][1].transport.abort()

    async def hear(ws):
        chat.app.call(kill())
        return (await ws.receive()).type

    kinds = {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}
    assert talk(chat.port, "/zoho-crm/echo", hear) in kinds
    wait_until(lambda: not chat.gateway.tunnels._open)


def test_an_app_waits_for_a_caller_that_reads_slowly(chat):
    """Nothing piles up in between, and nothing is lost."""

    async def slow(ws):
        await asyncio.sleep(0.3)
        return [len((await ws.receive()).data) for _ in range(300)]

    assert talk(chat.port, "/zoho-crm/push", slow) == [65536] * 300


def test_nothing_piles_up_for_one_who_does_not_read(raw):
    caller, app = raw()
    app.settimeout(0.2)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 1 << 28:
            sent += app.send(bytes(1 << 20))
    assert sent < 40 << 20
    for each in (1 << 16, 1 << 20):
        assert caller.socket.recv(each)


def test_a_refusal_of_the_app_is_an_ordinary_answer(chat):
    status, names, text = refusal(chat.port, "/zoho-crm/refused")
    assert (status, text, names["x-why"]) == (418, "no sockets", "tea")
    assert names["moorage-error-source"] == "upstream" and "set-cookie" not in names
    assert names["connection"] == "close" and names["moorage-connection"] == "remote"


def test_a_refused_token_is_renewed_and_the_call_made_again(relayed):
    client = relayed(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", AGREED + b"\x81\x02hi")
    client.send(ASK)
    assert b" 101 " in until(client.socket, b"\r\n\r\n") and client.socket.recv(4) == b"\x81\x02hi"
    assert [b"token-1" in raw or b"token-2" in raw for raw in client.upstream.requests] == [True, True]


# What asks for none.


@pytest.mark.parametrize(
    "change",
    [
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Upgrade: websocket", "Upgrade: websocket, h2c"),
        ("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: h2c"),
        ("GET ", "POST "),
        ("Sec-WebSocket-Key: ", "X-Key: "),
        ("Connection: Upgrade", "Connection: keep-alive"),
    ],
)
def test_any_other_wish_for_another_protocol_is_left_unanswered(through, change):
    client = through()
    client.send(ASK.replace(*change))
    assert client.answer().body == b"ok"
    assert b"upgrade" not in client.upstream.requests[0].lower()


def test_so_is_one_with_a_body(through):
    client = through()
    client.send(ASK.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc"))
    assert client.answer().body == b"ok"
    assert b"upgrade" not in client.upstream.requests[0].lower() and client.upstream.requests[0].endswith(
        b"abc"
    )


def test_other_paths_of_the_origin_take_none(through):
    client = through()
    client.send(ASK.replace("/zoho-crm/chat", "/connections"))
    assert client.answer().body == b"asgi /connections"


# Byte for byte, and nothing too early.


def test_bytes_pass_as_they_are(raw):
    caller, app = raw()
    for side, other in ((caller.socket, app), (app, caller.socket)):
        sent = bytes(range(256)) * 100
        side.sendall(sent)
        got = b""
        while len(got) < len(sent):
            got += other.recv(65536)
        assert got == sent


def test_what_a_caller_sends_too_early_waits_for_the_apps_word(raw):
    early = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    caller, app = raw(early=early, agreed=b"")
    caller.send(b"more")
    app.settimeout(0.1)
    with pytest.raises(TimeoutError):
        app.recv(1)
    app.sendall(AGREED + b"hello")
    assert until(caller.socket, b"\r\n\r\nhello").startswith(b"HTTP/1.1 101 ")
    app.settimeout(5)
    assert until(app, b"more") == early + b"more"


@pytest.mark.parametrize("status", [b"200 OK", b"426 No", b"400 No"])
def test_and_goes_nowhere_if_the_app_refuses(raw, status):
    caller, app = raw(early=b"GET /zoho-crm/smuggled HTTP/1.1\r\nHost: x\r\n\r\n" * 2, agreed=b"")
    app.sendall(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nno" % status)
    answer = caller.answer()
    assert (answer.status, answer.body, answer.names["connection"]) == (int(status[:3]), b"no", "close")
    assert caller.rest() == b""
    app.settimeout(0.1)
    with contextlib.suppress(TimeoutError):
        assert app.recv(1) == b""


def test_a_flood_before_the_apps_word_is_bounded(raw):
    caller, app = raw(agreed=b"")
    caller.socket.settimeout(0.2)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 1 << 27:
            sent += caller.socket.send(bytes(1 << 20))
    assert sent < 40 << 20
    app.sendall(AGREED)
    caller.socket.settimeout(5)
    assert b" 101 " in until(caller.socket, b"\r\n\r\n")
    left = sent
    while left:
        left -= len(app.recv(min(left, 1 << 20)))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 X\r\n\r\n",
        b"HTTP/2.0 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_a_switch_to_anything_else_is_no_answer(through, answer):
    client = through(answer)
    client.send(ASK)
    got = client.answer()
    assert (got.status, json.loads(got.body)["error"]["code"]) == (502, "upstream_invalid")


def test_interim_answers_are_swallowed(raw):
    caller, app = raw(agreed=b"HTTP/1.1 103 Hints\r\nX: y\r\n\r\n" + AGREED)
    app.sendall(b"hello")
    assert caller.socket.recv(5) == b"hello"


def test_a_caller_that_goes_before_the_apps_word_ends_its_work(raw):
    caller, app = raw(agreed=b"")
    caller.socket.close()
    assert rest(app)[0] == b""


def test_an_apps_word_for_a_caller_that_is_just_going_ends_both(raw, caplog):
    """The caller's connection is closing, and its protocol has not been called yet."""
    caller, app = raw(agreed=b"")
    world = caller.world
    [upstream] = [each for host in world.pool._hosts.values() for each in host._all]

    def both_at_once():
        for connection in list(world.server.server_state.connections):
            connection.transport.close()
        upstream.data_received(AGREED)

    world.call(both_at_once)
    assert rest(app)[0] == b"" and rest(caller.socket)[0] == b""
    wait_until(lambda: not world.server.server_state.connections)
    assert not world.gateway.tunnels._open and not caplog.records


def test_an_app_that_never_says_it_is_given_up(raw):
    caller, _app = raw(agreed=b"", limits=replace(PATIENT, answer=0.2))
    assert caller.answer().status == 504


# How it ends.


@pytest.mark.parametrize("first", ["caller", "app"])
def test_half_of_it_may_end_before_the_other(raw, first):
    caller, app = raw()
    side, other = (caller.socket, app) if first == "caller" else (app, caller.socket)
    side.sendall(b"last words")
    side.shutdown(socket.SHUT_WR)
    assert rest(other) == (b"last words", "end")
    other.sendall(b"an answer")
    other.shutdown(socket.SHUT_WR)
    assert rest(side) == (b"an answer", "end")
    wait_until(lambda: not caller.world.server.server_state.connections)
    assert not caller.world.gateway.tunnels._open


@pytest.mark.parametrize("first", ["caller", "app"])
def test_a_reset_of_one_is_a_reset_of_the_other_once_it_has_all(raw, first):
    caller, app = raw()
    side, other = (caller.socket, app) if first == "caller" else (app, caller.socket)
    side.sendall(bytes(100_000))
    time.sleep(0.3)
    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    side.close()
    wait_until(lambda: not caller.world.gateway.tunnels._open)
    assert rest(other) == (bytes(100_000), "reset")


def test_a_tunnel_through_which_nothing_passes_ends(raw):
    caller, app = raw(limits=replace(PATIENT, quiet=0.3))
    said = (1001).to_bytes(2, "big") + b"no data passed for too long"
    assert rest(caller.socket)[0] == b"\x88\x1d" + said
    got, _ = rest(app)
    assert got[:2] == b"\x88\x9d"  # The same, masked as a client's.
    assert bytes(byte ^ got[2 + place % 4] for place, byte in enumerate(got[6:])) == said


def test_pings_keep_it_open(raw):
    quiet = 0.9
    caller, app = raw(limits=replace(PATIENT, quiet=quiet))
    for _ in range(10):
        caller.send(b"\x89\x80mask")
        assert app.recv(6) == b"\x89\x80mask"
        time.sleep(quiet / 8)
    app.sendall(b"\x81\x02hi")
    assert caller.socket.recv(4) == b"\x81\x02hi"


def test_in_the_middle_of_a_frame_it_is_broken_off(raw):
    caller, app = raw(limits=replace(PATIENT, quiet=0.3))
    app.sendall(b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + b"some")
    assert rest(caller.socket) == (b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + b"some", "reset")


def test_a_server_that_stops_says_that_it_goes(new_chat):
    with new_chat() as chat:

        async def stop(ws):
            await ws.send_str("x")
            await ws.receive()
            chat.server.should_exit = True
            last = await ws.receive()
            return last.type, last.data

        assert talk(chat.port, "/zoho-crm/echo", stop) == (aiohttp.WSMsgType.CLOSE, 1001)
        wait_until(lambda: chat.app.ends, seconds=10)
        assert chat.app.ends == [1001]
