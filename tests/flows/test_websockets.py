"""WebSocket through a whole server: keys and connections that end, workers, and a server that stops."""

import asyncio
import json
import signal

import aiohttp
import pytest

from tests.flows.conftest import connect_example, finish, provider, start, wait_until
from tests.gateway.sockets import SocketApp, refusal, talk
from tests.http.origin import wait_until as wait_for


@pytest.fixture(scope="module")
def apps():
    app = SocketApp()
    yield app
    app.stop()


@pytest.fixture
def app(apps):
    """Shared, and without what it was told before."""
    apps.requests.clear()
    apps.ends.clear()
    return apps


@pytest.fixture(scope="module")
def servers(tmp_path_factory, apps):
    """Servers before the app, by their number of workers and whether a test may stop them."""
    running = {}

    def serve(*kind):
        if kind not in running:
            home = tmp_path_factory.mktemp("sockets") / "home"
            (home / "providers").mkdir(parents=True)
            home.chmod(0o700)
            (home / "providers" / "example.toml").write_text(provider(apps.port))
            running[kind] = start(home, "--workers", kind[0])
        return running[kind]

    yield serve
    for server in running.values():
        finish(server)


@pytest.fixture
def serve(servers, app):
    """A server with a connection of its own to the app."""

    def serve(workers="1", *, may_stop=False):
        server = servers(workers, may_stop)
        server.connection = connect_example(server.home, f"http://127.0.0.1:{app.port}/base")
        server.port = int(server.gateway.rpartition(":")[2])
        return server

    return serve


def bearer(server, **body):
    """A key that may use the app, and the headers by which it is shown."""
    status, _, text = server.call("POST", "/keys", {"name": "sockets", "scopes": ["proxy:example"], **body})
    assert status == 200, text
    made = json.loads(text)
    return made["key"]["id"], {"Authorization": f"Bearer {made['secret']}"}


async def echo(ws):
    await ws.send_str("hello")
    return (await ws.receive()).data


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("end", ["key", "connection"])
def test_one_whose_key_or_connection_ends_is_closed_within_seconds(serve, app, workers, end):
    server = serve(workers)
    key, headers = bearer(server)
    headers["Maton-Connection"] = server.connection

    async def hear(ws):
        assert await echo(ws) == "hello"
        path = f"/keys/{key}" if end == "key" else f"/connections/{server.connection}"
        status, _, _ = await asyncio.to_thread(server.call, "DELETE", path)
        assert status == 200
        last = await ws.receive()
        return last.type, last.data

    assert talk(server.port, "/example/echo", hear, headers=headers) == (aiohttp.WSMsgType.CLOSE, 1008)
    wait_until(lambda: app.ends)
    assert app.requests[0][0] == "/base/echo"
    assert app.requests[0][1]["authorization"] == f"Example token-of-{server.connection}"


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
    server = serve(may_stop=True)
    headers = {"Authorization": f"Bearer {server.api_key}"}

    async def hear(ws):
        assert await echo(ws) == "hello"
        server.process.send_signal(signal.SIGTERM)
        last = await ws.receive()
        return last.type, last.data

    assert talk(server.port, "/example/echo", hear, headers=headers) == (aiohttp.WSMsgType.CLOSE, 1001)
    wait_for(lambda: app.ends)
    assert app.ends == [1001] and server.process.wait(20) == 0
