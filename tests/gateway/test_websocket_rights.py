"""Who may open a WebSocket through the gateway, to where, and until when."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
from msgspec.structs import replace

from moorage.gateway.gateway import Rules
from moorage.keys.model import Principal
from moorage.keys.scopes import parse
from moorage.policies.model import Policy
from tests.gateway.guards import Guards
from tests.gateway.sockets import ASK, PATIENT, afresh, chatting, echo, refusal, talk
from tests.gateway.wire import KEY, Client, World
from tests.waiting import wait_until

WATCHFUL = replace(PATIENT, stalled=0.2)  # Looks at its tunnels often.


@pytest.fixture(scope="module")
def shared_plain():
    with chatting(World(limits=PATIENT)) as world:
        yield world


@pytest.fixture
def plain(shared_plain):
    """A gateway before an app that speaks WebSocket, as the others left it. With a world, one of that kind."""
    with contextlib.ExitStack() as stack:
        yield (
            lambda world=None: (
                stack.enter_context(chatting(world)) if world is not None else afresh(shared_plain)
            )
        )


def error_of(port, path="/zoho-crm/chat", headers=None):
    status, names, text = refusal(port, path, headers)
    assert names["moorage-error-source"] == "gateway"
    return status, json.loads(text)["error"]["code"], names["moorage-request-sent"]


def test_without_a_key_there_is_none(plain):
    world = plain()
    assert error_of(world.port, headers={"Authorization": "Bearer other"}) == (401, "key_invalid", "false")
    with Client(world.port) as client:
        client.send(ASK.replace("/chat", "/a/../b"))
        assert client.answer().status == 400
    assert world.app.requests == []


def test_a_key_that_only_reads_opens_none(plain):
    world = plain(World(limits=PATIENT))
    world.keys.known[f"Bearer {KEY}"] = Principal("key_1", "account", scopes=parse(["proxy:read"]))
    assert error_of(world.port) == (403, "scope_missing", "false")
    assert world.app.requests == []


@pytest.mark.parametrize(
    ("mode", "overrides", "told"),
    [
        ("readonly", {}, (403, "policy_denied", "false")), ("strict", {}, (403, "approval_required", "false")),
        ("cautious", {}, None), ("readonly", {"WEBSOCKET /echo": "read"}, None),
    ],
)  # fmt: skip
def test_it_may_write_unless_the_apps_file_says_else(plain, mode, overrides, told):
    world = plain(World(limits=PATIENT, guards=Guards(Policy(mode), overrides={"zoho-crm": overrides})))

    async def said(ws):
        await ws.send_str("x")
        assert (await ws.receive()).data == "x"

    if told is None:
        talk(world.port, "/zoho-crm/echo", said)
    else:
        assert error_of(world.port, "/zoho-crm/echo") == told and world.app.requests == []


def test_it_counts_as_one_call(plain):
    world = plain(World(limits=PATIENT, rate=1))

    async def much(ws):
        for _ in range(10):
            await ws.send_str("x")
            assert (await ws.receive()).data == "x"

    talk(world.port, "/zoho-crm/echo", much)
    talk(world.port, "/zoho-crm/echo", much)
    assert error_of(world.port) == (429, "rate_limited", "false")


def test_the_embedded_crm_takes_none(embedded):
    client = embedded()
    assert error_of(client.world.port) == (400, "websocket_unsupported", "false")


def test_nor_an_app_whose_declaration_says_so(plain):
    world = plain(World(limits=PATIENT, rules=Rules(websocket=False)))
    assert error_of(world.port) == (400, "websocket_unsupported", "false")
    assert world.app.requests == []


def test_there_are_no_more_than_may_be(plain):
    world = plain(World(limits=replace(PATIENT, tunnels=1, connections=1)))

    async def another(_ws):
        answer = await asyncio.to_thread(error_of, world.port)
        return answer, await asyncio.to_thread(called, world.port)

    def called(port):
        with Client(port) as client:  # An ordinary call needs no place of a socket's.
            return client.get("/zoho-crm/refused").status

    def again():
        with contextlib.suppress(aiohttp.WSServerHandshakeError):  # The first one may not have ended yet.
            return talk(world.port, "/zoho-crm/echo", echo)[0]

    assert talk(world.port, "/zoho-crm/echo", another) == ((503, "websockets_exhausted", "false"), 418)
    assert wait_until(again) == "äöü"


@pytest.mark.parametrize("what", ["key", "scope", "connection", "connected anew"])
def test_a_tunnel_that_is_not_allowed_any_more_ends(plain, what):
    world = plain(World(limits=WATCHFUL))

    def change():
        if what == "key":
            world.keys.known.clear()
        elif what == "scope":
            world.keys.known[f"Bearer {KEY}"] = Principal("key_1", "account", scopes=parse(["proxy:read"]))
        elif what == "connection":
            world.upstreams.clear()
        else:
            world.connections.generation += 1
        world.resolver.clear()

    async def hear(ws):
        await ws.send_str("x")
        await ws.receive()
        world.call(change)
        last = await ws.receive()
        return last.type, last.data

    assert talk(world.port, "/zoho-crm/echo", hear) == (aiohttp.WSMsgType.CLOSE, 1008)
    wait_until(lambda: world.app.ends)


def test_a_tunnel_that_is_still_allowed_stays(plain):
    world = plain(World(limits=WATCHFUL))

    async def hear(ws):
        for _ in range(5):
            world.call(world.resolver.clear)
            await asyncio.sleep(0.1)
            await ws.send_str("x")
            assert (await ws.receive()).data == "x"
        return world.keys.asked

    assert talk(world.port, "/zoho-crm/echo", hear) > 1
