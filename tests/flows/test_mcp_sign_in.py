"""The official client signs in at a whole server, uses tools, and is out as soon as its grant ends."""

import asyncio
import http.server
import json
import threading
from contextlib import asynccontextmanager, closing
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from tests.flows.visitor import Visitor
from tests.mcp_client import REVISIONS, KeptTokens
from tests.waiting import wait_until

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class Listener(http.server.HTTPServer):
    """What a program opens on this machine, so that the browser brings it the answer."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url, self.brought = f"http://127.0.0.1:{self.server_port}/back", None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.brought = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@asynccontextmanager
async def signed_in(url, visitor, kept, revision, **chosen):
    with closing(Listener()) as listener:

        def answer(page):
            visitor.open(page)
            assert "not verified" in visitor.page
            form = {"app.zoho-crm": "on", "mode": "readonly", "days": "1", "answer": "yes"} | chosen
            visitor.open(f"{visitor.gateway}/oauth/authorize", form)

        async def open_page(page):
            await asyncio.to_thread(answer, page)

        async def brought():
            return AuthorizationCodeResult(**listener.brought)

        metadata = OAuthClientMetadata(client_name=f"Agent {revision}", redirect_uris=[listener.url])
        provider = OAuthClientProvider(url, metadata, kept, open_page, brought)
        async with (
            httpx2.AsyncClient(auth=provider, timeout=30) as opened,
            Client(streamable_http_client(url, http_client=opened), mode=REVISIONS[revision]) as client,
        ):
            yield client


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_signs_in_reads_and_is_out_when_its_key_is_revoked(server, revision):
    kept, url, visitor = KeptTokens(), f"{server.gateway}/mcp", Visitor(server)
    visitor.join(f"Olga-{revision}")  # An owner.

    async def use():
        async with signed_in(url, visitor, kept, revision) as client:
            arguments = {"module": "Leads", "limit": 1, "fields": ["Company"]}
            return (await client.list_tools()).tools, await client.call_tool("search_records", arguments)

    tools, found = asyncio.run(use())
    assert "search_records" in {tool.name for tool in tools}
    # The key only reads, so the agent is shown nothing that changes something.
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert len(found.structured_content["rows"]) == 1
    keys = json.loads(server.run("key", "list", "--json").stdout)["keys"]
    [key] = [key for key in keys if key["name"] == f"Agent {revision}"]
    assert key["grant"]["resource"] == url and key["policy"]["mode"] == "readonly"
    token = kept.tokens.access_token

    def status(path, method="GET", body=None):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        return server.call(method, path, body, headers | {"Content-Type": "application/json"})[0]

    assert status("/mcp", "POST", PING) == 200
    # Its audience is the MCP server alone.
    assert {status(path) for path in ("/zoho-crm/crm/v8/Leads?fields=id", "/connections")} == {401}
    server.run("key", "revoke", key["id"], "--yes")
    wait_until(lambda: status("/mcp", "POST", PING) == 401)
