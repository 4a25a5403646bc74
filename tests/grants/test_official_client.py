"""The official client signs in by itself: it finds everything, sends a person to the page, and calls tools."""

import asyncio
import json
from urllib.parse import urlencode

import httpx2
import pytest
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

from moorage.oauth.transport.contract import HttpReply
from tests.control import GATEWAY
from tests.grants.program import BACK, FORM, MCP, YES, key_of, query_of
from tests.mcp_client import KeptTokens

ID = "https://agent.example/client.json"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


class Sockets(httpx2.AsyncBaseTransport):
    """Brings the client's requests to the gateway's own origin, in a thread: that has an event loop of its own."""

    def __init__(self, control):
        self.control, self.asked = control, []

    async def handle_async_request(self, request):
        target = request.url.raw_path.decode()
        self.asked.append(target)
        options = {"body": await request.aread(), "headers": list(request.headers.items())}
        answer = await asyncio.to_thread(self.control.call, request.method, target, **options)
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.body, request=request)


class Person:
    """Opens the address that the client gives, says yes on the page, and brings the answer back."""

    def __init__(self, browser):
        self.browser, self.brought = browser, None

    def _answer(self, url):
        browser = self.browser
        page = browser.open(url.removeprefix(GATEWAY))
        assert page.status == 200, page.text
        body = urlencode(browser.fields() | YES).encode()
        sent = browser._ask("POST", "/oauth/authorize", body, [FORM, ("Origin", "null")])
        self.brought = query_of(sent.headers["location"])

    async def open(self, url):
        await asyncio.to_thread(self._answer, url)

    async def bring_back(self):
        return AuthorizationCodeResult(**self.brought)


async def ping(client):
    return (await client.post(MCP, json=PING, headers=ACCEPT)).json()


@pytest.mark.parametrize("way", ["registration", "document"])
def test_it_signs_in_and_renews_its_token(control, owner, ada, browser, monkeypatch, way):
    document = {"client_id": ID, "client_name": "Harbour Agent", "redirect_uris": [BACK]}

    async def send(call):
        assert call.url == ID
        return HttpReply(200, json.dumps(document).encode())

    monkeypatch.setattr(control.rooms.internet, "send", send)
    kept, sockets, person = KeptTokens(), Sockets(control), Person(browser)
    metadata = OAuthClientMetadata(client_name="Harbour Agent", redirect_uris=[BACK])
    options = {} if way == "registration" else {"client_metadata_url": ID}
    provider = OAuthClientProvider(MCP, metadata, kept, person.open, person.bring_back, **options)

    async def use():
        async with httpx2.AsyncClient(transport=sockets, auth=provider) as client:
            assert (await ping(client))["result"] == {}
            first = kept.tokens
            provider.context.token_expiry_time = 1  # Long ago.
            assert (await ping(client))["result"] == {}
            assert kept.tokens.refresh_token != first.refresh_token

    asyncio.run(use())
    assert sockets.asked == [
        "/mcp",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        *(["/oauth/register"] if way == "registration" else []),
        *["/oauth/token", "/mcp"] * 2,
    ]
    assert key_of(owner)["grant"]["client_id"] == kept.client.client_id
