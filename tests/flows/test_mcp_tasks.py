"""What forty tasks of people cost an agent: calls of tools, and bytes. No model is needed: a script plays the agent."""

import json
import traceback

import pytest

from tests.flows.storages import STORAGES
from tests.mcp.agent import Agent
from tests.mcp.changes import CHANGES
from tests.mcp.questions import QUESTIONS
from tests.mcp_client import REVISIONS, with_client

MOST_CALLS = 60
MOST_BYTES = 31_000  # Nearly 8,000 tokens for all of them.


@pytest.fixture
def organisation(server, revision):
    """A new organisation with the sample records, which an account of the same name leads to."""
    slug = f"tasks-{revision[:4]}"
    assert server.call("POST", "/organisations", {"slug": slug})[0] == 200
    assert (
        server.call("POST", "/connections", {"app": "zoho-crm", "organisation": slug, "alias": slug})[0]
        == 200
    )
    yield slug
    server.call("DELETE", f"/connections/{slug}")
    server.call("DELETE", f"/organisations/{slug}")


def played(server, organisation, revision):
    """What each task has taken, and what went wrong."""

    def see(path):
        chosen = {"Maton-Connection": organisation}
        status, _, body = server.call("GET", f"/zoho-crm/crm/v8/{path}", headers=chosen)
        assert status in {200, 204}, body
        return json.loads(body)["data"] if body else []

    async def play(client):
        outcomes = []
        for task in (*QUESTIONS, *CHANGES):
            agent, fault = Agent(client, see), None
            try:
                await task.steps(agent)
            except (AssertionError, LookupError, TypeError, ValueError) as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                fault = f"line {place.lineno}, {place.line}: {error!r}"
            print(
                f"{agent.calls}/{task.most_calls} {agent.bytes:6,}/{task.most_bytes:6,}  {task.said} {fault or ''}"
            )
            outcomes.append((task, agent, fault))
        return outcomes

    url = f"{server.gateway}/mcp/c/{organisation}"
    return with_client(url, server.api_key, play, revision=revision)


@pytest.mark.parametrize(
    ("revision", "storage"), list(zip(REVISIONS, STORAGES, strict=True)), indirect=["storage"], ids=STORAGES
)
def test_tasks_are_done_within_their_bounds(server, organisation, revision):
    outcomes = played(server, organisation, revision)
    faults = []
    for task, agent, fault in outcomes:
        if fault is not None:
            faults.append((task.said, fault))
        elif agent.calls > task.most_calls or agent.bytes > task.most_bytes:
            faults.append((task.said, f"{agent.calls} calls, {agent.bytes} bytes"))
    calls, size = sum(agent.calls for _, agent, _ in outcomes), sum(agent.bytes for _, agent, _ in outcomes)
    print(f"{calls}/{MOST_CALLS} {size:6,}/{MOST_BYTES:,}  all {len(outcomes)} tasks")
    assert faults == []
    assert len(outcomes) == 40
    assert calls <= MOST_CALLS and size <= MOST_BYTES
