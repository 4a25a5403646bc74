"""The tools for operators, of a whole server, with the official client."""

import json

import pytest

from moorage.mcp import lab, ops
from tests.flows.test_pages import blocks, section
from tests.mcp.agent import rows_of
from tests.mcp_client import called, key_with, tools_of, with_client
from tests.waiting import wait_until


@pytest.fixture
def url(server):
    return f"{server.gateway}/mcp/ops"


def test_an_operator_finds_a_call_and_what_is_known_of_it(server, url):
    server.get("/zoho-crm/crm/v8/Nowhere_in_ops?fields=Last_Name")
    key = key_with(server, scopes=["requests:read"])

    async def found(client):
        asked = {"query": "module:Nowhere_in_ops", "limit": 1}
        rows = rows_of((await client.call_tool("list_requests", asked)).structured_content)
        if not rows:
            return None
        row = rows[0]
        return row, await client.call_tool("get_request", {"request_id": row["request_id"]})

    row, got = wait_until(lambda: with_client(url, key, found))
    assert (row["method"], row["status"]) == ("GET", 400)
    call = got.structured_content["request"]
    assert (call["path"], call["class"], call["query"]) == (
        "/crm/v8/Nowhere_in_ops",
        "read",
        "fields=Last_Name",
    )
    assert set(tools_of(url, key)) == {"list_requests", "get_request"}


def test_bodies_need_their_own_scope(server, url):
    asked = {"request_id": "r", "bodies": True}
    refused = called(url, key_with(server, scopes=["requests:read"]), "get_request", asked)
    assert refused.is_error
    assert refused.content[0].text.startswith("scope_missing: ")
    assert "requests:bodies" in refused.content[0].text


def test_an_operator_sees_how_a_connection_is(server, url):
    key = key_with(server, scopes=["connections:read"])

    async def diagnosed(client):
        listed = await client.call_tool("list_connections", {"environment": "embedded"})
        rows = rows_of(listed.structured_content)
        asked = {"connection": rows[0]["connection"]}
        return rows, await client.call_tool("diagnose_connection", asked)

    rows, diagnosis = with_client(url, key, diagnosed)
    assert (rows[0]["app"], rows[0]["health"]) == ("zoho-crm", "ok")
    assert diagnosis.structured_content["healthy"] is True
    assert diagnosis.structured_content["findings"][0]["code"] == "connected"


def test_a_wrong_query_or_cursor_is_named(server, url):
    key = key_with(server, scopes=["requests:read"])
    for asked, told in (({"query": "statis:404"}, "status"), ({"cursor": "x"}, "cursor")):
        refused = called(url, key, "list_requests", asked)
        assert refused.is_error
        assert told in refused.content[0].text


@pytest.mark.parametrize("profile", ["ops", "lab"])
def test_a_key_that_may_use_none_of_the_tools_gets_nothing(server, profile):
    key = key_with(server, scopes=["proxy", "keys:read", "audit:read"])
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    status, _, body = server.call("POST", f"/mcp/{profile}", ping, {"Authorization": f"Bearer {key}"})
    assert (status, json.loads(body)["error"]["code"]) == (403, "scope_missing")


def test_the_keys_that_the_page_makes_may_use_all_tools(server):
    [block] = blocks(section("docs/agents.md", "For operators and tests"), "console")
    for line, profile in zip(block.splitlines(), (ops.PROFILE, lab.PROFILE), strict=True):
        created = json.loads(server.run(*line.removeprefix("$ moorage ").split(), "--json").stdout)["key"]
        tools = tools_of(f"{server.gateway}/mcp/{profile.name}", created["secret"])
        assert list(tools) == [tool.name for tool in profile.tools]
