"""An agent as it is connected by one command: the official client starts what the written configuration says."""

import asyncio
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests import forked
from tests.flows.conftest import MOORAGE
from tests.mcp_client import REVISIONS

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def own_folders(person):
    return {"HOME": str(person), "XDG_CONFIG_HOME": str(person / ".config"), "CLAUDE_CONFIG_DIR": ""}


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    return tmp_path_factory.mktemp("person")


@pytest.fixture
def entry(server, person):
    """The entry that the command on the page writes; the second time it has nothing to do."""
    file = person / ".claude.json"
    before = file.read_bytes() if file.exists() else None
    [command] = re.findall(r"^moorage (mcp install .+)$", PAGE.read_text(), re.MULTILINE)
    forked.run(
        [*MOORAGE, *command.split(), "--yes"],
        env=server.environment | own_folders(person),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert before in {None, file.read_bytes()}
    return json.loads(file.read_text())["mcpServers"]["moorage"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_written_configuration_works_with_the_official_client_of_each_revision(entry, person, revision):
    environment = entry["env"] | own_folders(person)
    started = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment)

    async def work():
        async with Client(stdio_client(started), mode=REVISIONS[revision]) as client:
            assert client.protocol_version == revision
            tools = {tool.name for tool in (await client.list_tools()).tools}
            asked = {"module": "Leads", "limit": 2, "fields": ["Company"]}
            results = [client.call_tool("search_records", asked | {"limit": limit}) for limit in (1, 2, 3)]
            return tools, await asyncio.gather(*results)

    tools, results = asyncio.run(work())
    assert "search_records" in tools
    assert [len(result.structured_content["rows"]) for result in results] == [1, 2, 3]


def test_sigterm_ends_it_and_it_says_nothing_but_messages(server):
    process = subprocess.Popen(
        [*MOORAGE, "mcp", "--url", server.gateway],
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(b'no message\n{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [answer["id"] for answer in answers] == [None, 1] and answers[1]["result"] == {}
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=20) == (b"", b"") and process.returncode == 0
