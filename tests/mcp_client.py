"""The official client of MCP, for tests."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

REVISIONS = {"2026-07-28": "auto", "2025-11-25": "legacy"}


class KeptTokens:
    """What a client keeps of its sign-in: its tokens, and what it is known as."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def key_with(server, **options):
    """A new key of a running server."""
    _, _, body = server.call("POST", "/keys", {"name": "agent"} | options)
    return json.loads(body)["secret"]


@asynccontextmanager
async def connected(url, key, *, revision="2026-07-28", headers=None, **options):
    """A client that has opened the server at a URL with a key."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}", **(headers or {})}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=REVISIONS[revision], **options) as client,
    ):
        assert client.protocol_version == revision
        yield client


def with_client(url, key, work, **options):
    """What `work(client)` gives, with a client that is opened for it."""

    async def run():
        async with connected(url, key, **options) as client:
            return await work(client)

    return asyncio.run(run())


def tools_of(url, key, **options):
    """The tools that the server lists, by name."""
    listed = with_client(url, key, lambda client: client.list_tools(), **options)
    return {tool.name: tool for tool in listed.tools}


def called(url, key, tool, arguments=None, **options):
    """The result of a tool."""
    return with_client(url, key, lambda client: client.call_tool(tool, arguments or {}), **options)
