"""Maton's ten tools on a whole server, with the official client and with Maton's own toolkit."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.visitor import Visitor
from tests.mcp_client import REVISIONS, called, key_with, tools_of, with_client
from tests.waiting import wait_until

TEN = {
    "whoami",
    "create_connection",
    "delete_connection",
    "list_connections",
    "get_connection",
    "search_apps",
    "search_actions",
    "get_action",
    "run_action",
    "api",
}
OF_CONNECTIONS = {name for name in TEN if "connection" in name} | {"search_apps"}
TOOLKIT = Path(sys.prefix) / "clients" / "maton-agent-toolkit"  # See script/bootstrap.


@pytest.fixture
def url(server):
    return f"{server.gateway}/mcp/maton"


@pytest.fixture
def use(server, url):
    """Use a tool; gives the JSON of its text, which is all that Maton's toolkits read."""

    def use(tool, key=None, sent=None, **arguments):
        result = called(url, key or server.api_key, tool, arguments, headers=sent)
        assert not result.is_error, result.content[0].text
        [content] = result.content
        assert result.structured_content is None
        return json.loads(content.text)

    return use


@pytest.fixture
def refused(server, url):
    def refused(tool, key=None, sent=None, **arguments):
        result = called(url, key or server.api_key, tool, arguments, headers=sent)
        assert result.is_error
        return result.content[0].text

    return refused


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_ten_tools_are_listed_with_matons_arguments(server, url, revision):
    tools = tools_of(url, server.api_key, revision=revision)
    assert tools.keys() == TEN
    assert all("connection" in tool.input_schema["properties"] for tool in tools.values())
    assert tools["run_action"].input_schema["properties"].keys() == {"connection", "jq", "id", "args"}
    assert {"method", "path", "params", "body"} <= tools["api"].input_schema["properties"].keys()
    assert tools["api"].annotations.destructive_hint and not tools["api"].annotations.read_only_hint
    assert len(json.dumps([tool.model_dump(exclude_none=True) for tool in tools.values()])) < 8_000


def test_a_key_sees_the_tools_and_actions_that_it_may_use(server, url, use):
    reader = key_with(server, scopes=["proxy:zoho-crm:read"])
    assert tools_of(url, reader).keys() == TEN - OF_CONNECTIONS
    lister = key_with(server, scopes=["proxy:zoho-crm:read", "connections:read"])
    assert TEN - tools_of(url, lister).keys() == {"create_connection", "delete_connection"}
    listed = use("search_actions", reader, pattern="delete record", limit=100)["actions"]
    assert {action["kind"] for action in listed} == {"read"}
    elsewhere = key_with(server, scopes=["proxy:slack"])
    assert use("search_actions", elsewhere)["total"] == 0


def test_an_action_is_found_described_and_run(use):
    [first, *_] = use("search_actions", app="zoho-crm", pattern="create record")["actions"]
    assert first == {
        "id": "zoho-crm.record.create",
        "app": "zoho-crm",
        "title": "Create up to 100 records",
        "kind": "write",
    }
    described = use("get_action", id=first["id"])
    assert described["input_schema"]["required"] == ["module", "data"]
    made = use("run_action", id=first["id"], args={"module": "Leads", "data": [{"Last_Name": "Kiln & Sons"}]})
    record = made["data"][0]["details"]["id"]
    query = {"module": "Leads", "criteria": "(Last_Name:equals:Kiln & Sons)"}
    ids = use("run_action", id="zoho-crm.record.search", args=query, jq=".data[].id")
    assert ids == [record]
    assert use("run_action", id="zoho-crm.record.delete", args={"module": "Leads", "id": record})["data"]
    assert use("run_action", id="zoho-crm.record.search", args=query) == {}


def test_a_file_is_uploaded_by_an_action(use):
    made = use("run_action", id="zoho-crm.file.upload", args={"file_name": "a.txt", "file_text": "tide"})
    file_id = made["data"][0]["details"]["id"]
    answer = use("api", path=f"/zoho-crm/crm/v8/files?id={file_id}")
    assert (answer["status"], answer["body"]) == (200, "tide")


def test_api_is_a_native_call(use):
    answer = use(
        "api",
        path="/zoho-crm/crm/v8/Leads?fields=Last_Name",
        params={"per_page": 2},
        jq="{status, n: (.body.data | length)}",
    )
    assert answer == {"status": 200, "n": 2}
    told = use("api", path="/zoho-crm/crm/v8/Nothings?fields=id")
    assert (told["status"], told["body"]["code"]) == (400, "INVALID_MODULE")
    body = {"data": [{"Last_Name": "Native"}]}
    call = {"method": "POST", "path": "/zoho-crm/crm/v8/Leads"}
    whole = use("api", body=body, jq=".body.data.id", **call)
    assert "this list has no 'id'" in whole["note"] and whole["result"]["status"] == 201
    for sent in (body, json.dumps(body)):
        made = use("api", body=sent, **call)
        assert (made["status"], made["body"]["data"][0]["code"]) == (201, "SUCCESS")


NO_CALLS = [
    ({"path": "/connections"}, "path_invalid"),
    ({"path": "/connections/x"}, "app_unknown"),
    ({"path": "/mcp/maton"}, "app_unknown"),
    ({"path": "/zoho-crm/../keys"}, "path_invalid"),
    ({"path": "zoho-crm/crm/v8/Leads"}, "path_invalid"),
    ({"path": "/zoho-crm/crm/v8/Leads HTTP/1.1\r\nX: y"}, "path_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "headers": {"Authorization": "Bearer x"}}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "headers": {"Maton-Connection": "x"}}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "headers": {"X-A": "b\r\nc: d"}}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "headers": {"X A": "b"}}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "params": {"a": "\x00"}}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "method": "TRACE"}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "jq": "nonsense(", "connection": "nobody"}, "arguments_invalid"),
    ({"path": "/zoho-crm/crm/v8/org", "pth": "x"}, "arguments_invalid"),
]


def test_api_refuses_what_is_no_call_of_an_app(server, url):
    async def refusals(client):
        return [await client.call_tool("api", arguments) for arguments, _ in NO_CALLS]

    results = with_client(url, server.api_key, refusals)
    assert all(result.is_error and "\n" not in result.content[0].text for result in results)
    codes = [result.content[0].text.partition(": ")[0] for result in results]
    assert codes == [code for _, code in NO_CALLS]


def test_a_key_that_may_only_read_is_refused_at_the_door(server, refused, use):
    reader = key_with(server, scopes=["proxy:zoho-crm:read"])
    for tool, arguments in (
        ("api", {"method": "POST", "path": "/zoho-crm/crm/v8/Leads", "body": {"data": []}}),
        ("run_action", {"id": "zoho-crm.record.delete", "args": {"module": "Leads", "id": "1"}}),
    ):
        assert refused(tool, reader, **arguments).startswith("scope_missing: ")
    assert use("api", reader, path="/zoho-crm/crm/v8/org")["status"] == 200
    for tool in ("list_connections", "search_apps"):
        assert refused(tool, reader).startswith("scope_missing: ")


def oldest(connections):
    """That of the first start, as other tests connect more on the shared server."""
    return min(connections, key=lambda connection: connection["creation_time"])


def test_the_argument_connection_goes_before_the_header(use, refused):
    active = oldest(use("list_connections", status="ACTIVE")["connections"])
    assert "url" not in active
    header, missing = {"Maton-Connection": active["id"]}, {"X-Maton-Connection": "missing"}
    call = {"path": "/zoho-crm/crm/v8/org", "jq": ".status"}
    assert use("api", sent=header, **call) == 200
    assert refused("api", sent=missing, **call).startswith("connection_unknown: ")
    assert use("api", sent=missing, connection=active["id"], **call) == 200
    assert use("get_connection", sent=header)["connection"]["id"] == active["id"]


def test_connections_are_made_shown_and_deleted(use, refused):
    made = use("create_connection", app="zoho-crm")["connection"]
    first = use("list_connections", limit=1)
    second = use("list_connections", limit=1, cursor=first["cursor"])
    assert len({page["connections"][0]["id"] for page in (first, second)}) == 2
    assert made["status"] == "PENDING" and "/connect/?session_token=" in made["url"]
    assert use("get_connection", connection_id=made["id"])["connection"]["status"] == "PENDING"
    assert "needs an id" in refused("delete_connection", connection=made["id"])
    assert use("delete_connection", id=made["id"])["deleted"] is True
    assert refused("get_connection", id=made["id"]).startswith("connection_unknown: ")


def test_apps_are_found_and_unknown_names_are_told(use, refused):
    assert [app["app"] for app in use("search_apps", pattern="zoho crm|slack")["apps"]] == [
        "slack",
        "zoho-crm",
    ]
    assert refused("search_actions", app="zoho-crmm").startswith("app_unknown: ")
    assert "no actions of slack" in use("search_actions", app="slack")["note"]
    assert "Did you mean zoho-crm.record.list?" in refused("get_action", id="zoho-crm.records.list")
    assert "Did you mean fields?" in refused("run_action", id="zoho-crm.record.list", args={"field": "id"})
    told = refused("run_action", id="zoho-crm.record.list", args={"module": "Nothings", "fields": "id"})
    assert told.startswith("INVALID_MODULE: ")


def test_whoami_tells_of_the_key_and_not_its_secret(server, use):
    key = key_with(server, name="Ada's agent", scopes=["proxy:zoho-crm:read"])
    caller = use("whoami", key, connection="anything")
    assert (caller["name"], caller["scopes"], caller["may"]) == (
        "Ada's agent",
        ["proxy:zoho-crm:read"],
        ["read"],
    )
    assert key not in json.dumps(caller)


def test_the_same_call_gets_the_answer_after_a_person_has_approved_it(server, use):
    cautious = key_with(server, policy={"mode": "cautious"})
    lead = {"module": "Leads", "data": [{"Last_Name": "Held"}]}
    made = use("run_action", cautious, id="zoho-crm.record.create", args=lead)["data"][0]["details"]["id"]
    call = {"id": "zoho-crm.record.delete", "args": {"module": "Leads", "id": made}}
    waiting = use("run_action", cautious, **call)
    assert waiting["status"] == "waiting_for_approval"
    assert waiting["link"].endswith(f"/approvals/{waiting['approval_id']}")
    assert use("run_action", cautious, **call)["approval_id"] == waiting["approval_id"]
    owner = Visitor(server)
    owner.join("Matilda")
    owner.open(waiting["link"])
    owner.decide({"for": "once"})

    [deleted] = wait_until(lambda: use("run_action", cautious, **call).get("data"))
    assert deleted["details"]["id"] == made


_PROGRAM = """
import asyncio, json, sys
from maton_agent_toolkit.shared import mcp_client
from maton_agent_toolkit.shared.toolkit_core import ToolkitCore

mcp_client.MCP_SERVER_URL, key, connection = sys.argv[1:4]

class Toolkit(ToolkitCore):
    def _empty_tools(self): return {}
    def _convert_tools(self, mcp_tools): return {tool["name"]: tool for tool in mcp_tools}

async def main():
    toolkit = Toolkit(key, {"context": {"connection": connection}})
    await toolkit.initialize()
    async def run(method, /, **arguments):
        return json.loads(await toolkit.run_tool(method, arguments))
    tools = sorted(toolkit.get_tools())
    await run("whoami")
    apps = await run("search_apps", pattern="zoho", limit=None)
    shown = await run("get_connection", id=connection)
    actions = await run("search_actions", app="zoho-crm", pattern="count records")
    schema = await run("get_action", id=actions["actions"][0]["id"])
    count = await run("run_action", id=schema["id"], args={"module": "Leads"})
    native = await run("api", method="GET", path="/zoho-crm/crm/v8/org")
    try:
        await run("run_action", id="zoho-crm.record.get", args={"module": "Nothings", "id": "1"})
    except RuntimeError as failed:
        cause = failed.__cause__  # The toolkit's own error, in groups of those whose tasks it ended.
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        told = str(cause)
    await toolkit.close()
    print(json.dumps([tools, apps["total"], shown["connection"]["status"], count["count"], native["status"], told]))

asyncio.run(main())
"""


def test_matons_toolkit_works_unmodified_as_the_page_shows(server, url, use):
    assert TOOLKIT.is_dir(), "run script/bootstrap"
    active = oldest(use("list_connections", status="ACTIVE")["connections"])
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text().partition("## Maton's tools")[2]
    [shown] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    program = shown.replace("http://127.0.0.1:8787", server.gateway) + _PROGRAM
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, url, server.api_key, active["id"]],
        env={**os.environ, "PYTHONPATH": str(TOOLKIT), "MOORAGE_API_KEY": server.api_key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    of_page, found = map(json.loads, done.stdout.splitlines())
    assert of_page["actions"][0]["id"] == "zoho-crm.record.create"
    tools, apps, status, count, native, told = found
    assert set(tools) == TEN
    assert (apps >= 1, status, count > 10, native) == (True, "ACTIVE", True, 200)
    assert told.startswith("INVALID_MODULE: ")
