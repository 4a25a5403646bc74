"""An agent with a cautious key deletes a lead, and a person says yes or no. The official client plays the agent's."""

import asyncio
import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from tests.flows.visitor import Visitor
from tests.flows.walker import Walker
from tests.mcp.agent import rows_of
from tests.mcp_client import REVISIONS, called, key_with, tools_of, with_client
from tests.waiting import wait_until

LEADS = "/crm/v8/Leads"


@pytest.fixture(scope="module")
def owner(server):
    visitor = Visitor(server)
    visitor.join("Mona")  # Each file has a person of its own, as all may use one server.
    return visitor


@pytest.fixture(scope="module")
def url(server):
    return f"{server.gateway}/mcp"


def cautious(server, name="agent", **options):
    made = {"scopes": ["proxy:zoho-crm"], "policy": {"mode": "cautious"}} | options
    return key_with(server, name=name, **made)


@pytest.fixture(scope="module")
def key(server):
    return cautious(server)


def lead(server, name="Held"):
    body = {"data": [{"Last_Name": name}]}
    return json.loads(server.call("POST", f"/zoho-crm{LEADS}", body)[2])["data"][0]["details"]["id"]


def exists(server, lead_id):
    return server.call("GET", f"/zoho-crm{LEADS}/{lead_id}?fields=id")[0] == 200


def deletion(lead_id):
    return {"method": "DELETE", "path": f"{LEADS}/{lead_id}"}


class Agent:
    """The person at the agent's client, and what they are asked. `act` is done before each answer."""

    def __init__(self, act=None, action="accept"):
        self.asked = []
        self._act = act
        self._action = action

    async def answer(self, _context, params):
        self.asked.append(params)
        if self._act is not None:
            await asyncio.to_thread(self._act, params.url)
        return ElicitResult(action=self._action)

    def call(self, url, key, arguments, tool="call_api"):
        return called(url, key, tool, arguments, elicitation_callback=self.answer)


def decides(owner, **form):
    def act(link):
        owner.open(link)
        owner.decide(form or {"for": "once"})

    return act


def held_by_link(url, key, lead_id, **options):
    """The result of a held call for a client that opens no page."""
    result = called(url, key, "call_api", deletion(lead_id), **options)
    assert not result.is_error
    return result


def checked(url, key, approval_id):
    return called(url, key, "check_approval", {"approval_id": approval_id})


def test_a_person_is_asked_sees_the_change_and_says_yes(server, owner, url, key):
    lead_id = lead(server, "Gone")
    agent = Agent(decides(owner))
    result = agent.call(url, key, deletion(lead_id))
    assert (result.is_error, result.structured_content["status"]) == (False, 200)
    assert result.structured_content["body"]["data"][0]["details"]["id"] == lead_id
    [params] = agent.asked
    assert params.mode == "url" and params.url.startswith(f"{server.gateway}/approvals/")
    for words in ("agent wants to delete 1 record in Leads", "embedded"):
        assert words in params.message
    assert not exists(server, lead_id)


@pytest.mark.parametrize("tool", ["delete_records", "convert_lead"])
def test_a_tool_that_waited_gives_its_own_result(server, owner, url, key, tool):
    lead_id = lead(server, "Waited")
    arguments = {"module": "Leads", "ids": [lead_id]} if tool == "delete_records" else {"id": lead_id}
    result = Agent(decides(owner)).call(url, key, arguments, tool)
    assert not result.is_error
    if tool == "delete_records":
        assert result.structured_content["rows"][0]["status"] == "deleted"
    else:
        assert result.structured_content.keys() >= {"contact"}


def test_a_person_says_no_and_the_agent_reads_why(server, owner, url, key):
    lead_id = lead(server)
    result = Agent(decides(owner, reason="Ask Bob first.")).call(url, key, deletion(lead_id))
    assert result.is_error
    assert "declined" in result.content[0].text and "Ask Bob first." in result.content[0].text
    assert "\n" not in result.content[0].text
    assert exists(server, lead_id)


def test_nobody_decides_in_time(server, url, key):
    lead_id = lead(server)

    def expire(link):
        with closing(sqlite3.connect(server.home / "moorage.db", timeout=10)) as database, database:
            database.execute("UPDATE approvals SET deadline = 1 WHERE id = ?", [link.rpartition("/")[2]])

    result = Agent(expire).call(url, key, deletion(lead_id))
    assert result.is_error and "expired" in result.content[0].text
    assert exists(server, lead_id)


def test_an_hour_lets_the_next_call_go_without_a_question(server, owner, url):
    key = cautious(server, "an agent for an hour")
    first, second = lead(server), lead(server)
    Agent(decides(owner, **{"for": "hour"})).call(url, key, deletion(first))
    agent = Agent()
    assert agent.call(url, key, deletion(second)).structured_content["status"] == 200
    assert agent.asked == []


def test_who_declines_at_the_client_takes_the_call_back(server, url, key):
    lead_id = lead(server)
    agent = Agent(action="decline")
    result = agent.call(url, key, deletion(lead_id))
    assert result.is_error and result.content[0].text.startswith("declined: ")
    told = checked(url, key, agent.asked[0].url.rpartition("/")[2])
    assert told.structured_content["state"] == "cancelled"


def test_who_opens_no_page_gets_the_link(server, url, key):
    lead_id = lead(server)
    agent = Agent(action="cancel")
    waiting = agent.call(url, key, deletion(lead_id)).structured_content
    assert waiting["link"] == agent.asked[0].url
    assert waiting["approval_id"] in waiting["link"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_that_opens_no_pages_asks_what_became_of_it(server, owner, url, key, revision):
    lead_id = lead(server)
    result = held_by_link(url, key, lead_id, revision=revision)
    waiting = result.structured_content
    assert waiting.keys() == {"approval_id", "link", "expires_at"}
    assert waiting["link"] in result.content[0].text
    assert checked(url, key, waiting["approval_id"]).structured_content["state"] == "waiting"
    decides(owner)(waiting["link"])

    def answer():
        told = checked(url, key, waiting["approval_id"]).structured_content
        return told if told["state"] == "sent" else None

    told = wait_until(answer)
    assert (told["status"], told["decided_by"]) == (200, "Mona")
    assert told["body"]["data"][0]["details"]["id"] == lead_id
    assert not exists(server, lead_id)


def test_another_keys_call_answers_as_an_absent_one(server, url, key):
    waiting = held_by_link(url, key, lead(server)).structured_content["approval_id"]
    absent = "00000000-0000-4000-8000-000000000000"
    for other in (cautious(server, "another"), server.api_key):
        told = [checked(url, other, one).content[0].text.replace(one, "") for one in (waiting, absent)]
        assert told[0] == told[1]
        assert told[0].startswith("approval_unknown: ")
    for odd in (f"{waiting}/answer", "..", "", "é\n"):
        assert checked(url, key, odd).content[0].text.startswith("approval_unknown: "), odd


def first_leg(url, key, arguments):
    """The first answer of the server to a client that could open a page, and that drives the rest itself."""

    async def ask(client):
        return await client.session.call_tool("call_api", arguments, allow_input_required=True)

    return with_client(url, key, ask, elicitation_callback=Agent().answer)


def last_leg(url, key, arguments, state, tool="call_api"):
    async def ask(client):
        return await client.session.call_tool(tool, arguments, request_state=state, allow_input_required=True)

    return with_client(url, key, ask, elicitation_callback=Agent().answer)


def test_the_state_of_a_call_is_of_no_use_to_others(server, url, key):
    asked = deletion(lead(server))
    state = first_leg(url, key, asked).request_state
    assert "nonce" not in state
    others = [
        (url, cautious(server, "a thief"), asked, state),
        (url, key, deletion("1"), state),
        (f"{server.gateway}/mcp/c/elsewhere", key, asked, state),
        (url, key, asked, f"{state[:-4]}AAAA"),
        (url, key, asked, "v1.é"),
    ]
    for at, caller, arguments, sent in others:
        with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match="requestState"), flatten_subgroups=True):
            last_leg(at, caller, arguments, sent)


def kill(server):
    """Kill a server and its workers, none of which ends what it has begun."""
    pid = server.process.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in (pid, *map(int, workers)):
        os.kill(process, signal.SIGKILL)
    server.process.wait(10)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="workers are found in /proc")
def test_a_kill_between_question_and_answer_deletes_once(own_server):
    server = own_server("--workers", "2")
    key, lead_id = cautious(server), lead(server)
    asked = first_leg(f"{server.gateway}/mcp", key, deletion(lead_id))
    link = asked.input_requests["page"].params.url
    kill(server)
    again = own_server("--workers", "2", api_key=server.api_key)
    person = Visitor(again)
    person.join()
    decides(person)(f"{again.gateway}/approvals/{link.rpartition('/')[2]}")
    for _ in range(3):
        result = last_leg(f"{again.gateway}/mcp", key, deletion(lead_id), asked.request_state)
        assert result.structured_content["status"] == 200
    sent = [entry for entry in again.get("/audit")[1]["entries"] if entry["action"] == "approval.sent"]
    assert len(sent) == 1
    assert not exists(again, lead_id)


@pytest.fixture
def connecting(server):
    """A key that may connect accounts. They are deleted afterwards, as other tests use the same server."""
    before = {one["id"] for one in server.get("/connections")[1]["connections"]}
    yield cautious(server, "connects", scopes=["connections:write", "proxy:zoho-crm"])
    for one in server.get("/connections")[1]["connections"]:
        if one["id"] not in before:
            server.call("DELETE", f"/connections/{one['id']}")


def test_a_person_connects_an_account_at_the_page(url, connecting):
    agent = Agent(Walker().connect)
    connected = agent.call(url, connecting, {"alias": "by-an-agent"}, "connect_account").structured_content
    assert (connected["account"], connected["health"]) == ("by-an-agent", "ok")
    assert connected["organisation"] == "Harbour & Pine" and "link" not in connected
    there = f"{url}/c/{connected['account']}"
    assert "connect_account" in tools_of(url, connecting) and "connect_account" not in tools_of(
        there, connecting
    )
    [params] = agent.asked
    assert "connects asks you to connect an account of zoho-crm" in params.message
    assert "session_token=" in params.url and "session_token" not in params.message


def test_the_link_to_connect_is_for_whoever_can_not_be_asked(server, url, connecting):
    result = called(url, connecting, "connect_account", {"alias": "not-yet"})
    link = result.structured_content["link"]
    assert link.startswith(f"{server.gateway}/connect/?session_token=") and link in result.content[0].text
    taken = called(url, connecting, "connect_account", {"alias": "not-yet"})
    assert taken.is_error and taken.content[0].text.startswith("alias_taken: ")
    refused = called(url, cautious(server, "connects nothing"), "connect_account")
    assert refused.content[0].text.startswith("scope_missing: ")


def test_an_agent_sees_its_accounts_without_a_scope_for_them(server, url, key):
    table = called(url, key, "list_accounts").structured_content
    [row] = [row for row in rows_of(table) if row["default"]]
    assert (row["app"], row["environment"], row["health"], row["mode"]) == (
        "zoho-crm",
        "embedded",
        "ok",
        "cautious",
    )
    there = called(f"{server.gateway}/mcp/c/{row['account']}", key, "list_accounts").structured_content
    assert [line[0] for line in there["rows"]] == [row["account"]]
