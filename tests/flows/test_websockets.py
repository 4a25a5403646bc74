"""WebSocket through a whole server: keys and connections that end, workers, and a server that stops."""

import asyncio
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import aiohttp
import pytest

from tests.flows.conftest import connect_example, finish, provider, start
from tests.gateway.sockets import SocketApp, refusal, talk
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def apps():
    app = SocketApp()
    yield app
    app.stop()


@pytest.fixture
def app(apps):
    """Shared by all tests; what it has received before is forgotten."""
    apps.requests.clear()
    apps.ends.clear()
    return apps


@pytest.fixture(scope="module")
def servers(tmp_path_factory, apps):
    """Servers for the app, by their number of workers. A server that a test has stopped is started again."""

    def begin(workers):
        home = tmp_path_factory.mktemp("sockets") / "home"
        (home / "providers").mkdir(parents=True)
        home.chmod(0o700)
        (home / "providers" / "example.toml").write_text(provider(apps.port))
        return start(home, "--workers", workers)

    with ThreadPoolExecutor() as pool:
        running = dict(zip("12", pool.map(begin, "12"), strict=True))

    def serve(workers):
        if running[workers].process.poll() is not None:
            running[workers] = begin(workers)
        return running[workers]

    yield serve
    for server in running.values():
        finish(server)


@pytest.fixture
def serve(servers, app):
    """A server with a connection of its own to the app."""

    def serve(workers="1"):
        server = servers(workers)
        server.base = f"http://127.0.0.1:{app.port}/base"
        server.connection = connect_example(server.home, server.base)
        server.port = int(server.gateway.rpartition(":")[2])
        return server

    return serve


def bearer(server, **body):
    """A key that may use the app, and the headers by which it is shown."""
    status, _, text = server.call("POST", "/keys", {"name": "sockets", "scopes": ["proxy:example"], **body})
    assert status == 200, text
    document = json.loads(text)
    return document["key"]["id"], {"Authorization": f"Bearer {document['secret']}"}


async def echo(ws):
    await ws.send_str("hello")
    return (await ws.receive()).data


def until_it_ends(server, end):
    """Open a socket, end what it was opened by, and give the socket's last message."""
    connection = connect_example(server.home, server.base)
    key, headers = bearer(server)

    async def hear(ws):
        assert await echo(ws) == "hello"
        path = f"/keys/{key}" if end == "key" else f"/connections/{connection}"
        status, _, _ = await asyncio.to_thread(server.call, "DELETE", path)
        assert status == 200
        last = await ws.receive()
        return last.type, last.data

    return connection, talk(
        server.port, "/example/echo", hear, headers=headers | {"Maton-Connection": connection}
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_tunnel_whose_key_or_connection_ends_is_closed_within_seconds(serve, app, workers):
    server = serve(workers)
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(partial(until_it_ends, server), ["key", "connection"]))
    assert [last for _, last in ended] == [(aiohttp.WSMsgType.CLOSE, 1008)] * 2
    wait_until(lambda: len(app.ends) == 2)
    assert {path for path, _ in app.requests} == {"/base/echo"}
    tokens = {headers["authorization"] for _, headers in app.requests}
    assert tokens == {f"Example token-of-{connection}" for connection, _ in ended}


def test_a_key_that_only_reads_opens_none(serve, app):
    server = serve()
    _, headers = bearer(server, scopes=["proxy:example:read"])
    status, _, text = refusal(server.port, "/example/echo", headers)
    assert (status, json.loads(text)["error"]["code"]) == (403, "scope_missing") and app.requests == []


def test_zoho_crm_takes_none_wherever_it_leads(serve):
    server = serve()
    status, _, text = refusal(
        server.port, "/zoho-crm/crm/v8/Leads", {"Authorization": f"Bearer {server.api_key}"}
    )
    assert (status, json.loads(text)["error"]["code"]) == (400, "websocket_unsupported")


def test_a_server_that_stops_tells_both_sides(serve, app):
    server = serve()
    headers = {"Authorization": f"Bearer {server.api_key}", "Maton-Connection": server.connection}

    async def hear(ws):
        assert await echo(ws) == "hello"
        server.process.send_signal(signal.SIGTERM)
        last = await ws.receive()
        return last.type, last.data

    assert talk(server.port, "/example/echo", hear, headers=headers) == (aiohttp.WSMsgType.CLOSE, 1001)
    wait_until(lambda: app.ends)
    assert app.ends == [1001] and server.process.wait(20) == 0  # And the next test starts another.
