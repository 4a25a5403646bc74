"""The MCP server of a whole server, with the official client."""

import json

import pytest
from mcp.shared.exceptions import MCPError

from tests.mcp_client import REVISIONS, called, key_with, tools_of
from tests.waiting import wait_until


@pytest.fixture
def url(server):
    return f"{server.gateway}/mcp"


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_official_client_of_each_revision_lists_and_calls_tools(server, url, revision):
    tools = tools_of(url, server.api_key, revision=revision)
    assert tools["search_records"].annotations.read_only_hint
    result = called(
        url,
        server.api_key,
        "search_records",
        {"module": "Leads", "limit": 2, "fields": ["Company"]},
        revision=revision,
    )
    assert not result.is_error
    assert result.structured_content["columns"] == ["id", "Company"]
    assert len(result.structured_content["rows"]) == 2


def test_a_call_of_a_tool_is_a_call_of_its_key_in_the_request_log(server, url):
    key = key_with(server, name="logged agent", scopes=["proxy:zoho-crm:read"])
    assert called(url, key, "search_records", {"module": "Nowhere", "fields": ["Name"]}).is_error

    def logged():
        return server.get("/requests?q=path:/crm/v8/Nowhere")[1]["requests"]

    wait_until(logged)
    assert {call["key"]["name"] for call in logged()} == {"logged agent"}


@pytest.mark.parametrize("path", ["/mcp", "/mcp/c/sales", "/mcp/maton"])
@pytest.mark.parametrize(
    "headers",
    [{"Authorization": ""}, {"Authorization": "Bearer nobody-knows-this-key"}],
    ids=["none", "wrong"],
)
def test_a_stranger_gets_nothing(server, path, headers):
    status, answered, body = server.call("POST", path, {"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers)
    assert (status, json.loads(body)["error"]["code"]) == (401, "key_invalid")
    assert answered["www-authenticate"].startswith("Bearer")


def test_a_page_of_another_site_gets_nothing(server, url):
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    status, _, body = server.call("POST", "/mcp", message, {"Origin": "https://evil.example"})
    assert (status, json.loads(body)["error"]["code"]) == (403, "origin_refused")
    own = {"Origin": server.gateway, "Accept": "*/*", "Content-Type": "application/json"}
    status, _, _ = server.call("POST", "/mcp", message, own)
    assert status == 200


def test_an_account_that_the_key_does_not_see_has_no_tools(server):
    key = key_with(server, scopes=["proxy:zoho-crm:read"])
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match="nobody"), flatten_subgroups=True):
        tools_of(f"{server.gateway}/mcp/c/nobody", key)
    result = called(f"{server.gateway}/mcp/c/nobody", key, "search_records", {"module": "Leads"})
    assert result.is_error
    assert "connection_unknown" in result.content[0].text


def test_what_a_tool_is_refused_is_told_in_a_line(server, url):
    result = called(url, server.api_key, "search_records", {"module": "Leads", "wordss": "a"})
    assert result.is_error
    assert result.content[0].text.startswith(
        "arguments_invalid: search_records: There is no argument 'wordss'."
    )
    assert "\n" not in result.content[0].text
    assert called(url, server.api_key, "no_such_tool").is_error
