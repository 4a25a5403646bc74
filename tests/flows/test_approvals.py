"""An owner gives an agent a strict key, sees it ask, and approves in a browser: on a whole server."""

import json
import re
from pathlib import Path

import pytest

from tests.flows.visitor import Visitor
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads"


@pytest.fixture(scope="module")
def owner(server):
    visitor = Visitor(server)
    visitor.join()
    return visitor


@pytest.fixture
def agent(server):
    """Calls with a key whose every write asks a person."""
    made = json.loads(server.call("POST", "/keys", {"name": "agent"})[2])
    status, _, body = server.call("PUT", f"/keys/{made['key']['id']}/policy", {"mode": "strict"})
    assert status == 200, body
    wait_until(lambda: call(server, made["secret"], "POST", LEADS, {"data": [{}]})[0] == 403)

    def ask(method, path, body=None, **headers):
        return call(server, made["secret"], method, path, body, **headers)

    ask.id = made["key"]["id"]
    return ask


def call(server, key, method, path, body=None, **headers):
    sent = {
        "Authorization": f"Bearer {key}",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    status, answered, data = server.call(method, path, body, sent)
    return status, answered, json.loads(data) if data else None


def waiting(agent, approval):
    return agent("GET", f"/approvals/{approval}")[2]["approval"]["state"] in {
        "waiting",
        "approved",
        "sending",
    }


def leads_named(server, name):
    found = server.get(f"{LEADS}/search?criteria=(Last_Name:equals:{name})&fields=Last_Name")[1]
    return [] if found is None else found["data"]


def test_a_call_waits_is_shown_approved_and_sent_once(server, owner, agent):
    lead = {"data": [{"Last_Name": "Approved", "City": "Leeds"}]}
    status, headers, body = agent("POST", LEADS, lead)
    error = body["error"]
    assert (status, error["code"]) == (403, "approval_required")
    assert headers["moorage-request-sent"] == "false"
    assert headers["moorage-environment"] == "embedded"
    assert agent("POST", LEADS, lead)[2]["error"]["id"] == error["id"]
    page = owner.open(error["link"])
    for words in ("Create 1 record in Leads", "agent", "embedded", "Approved", "Leeds"):
        assert words in page, words
    assert leads_named(server, "Approved") == []
    owner.decide({"for": "once"})
    wait_until(lambda: not waiting(agent, error["id"]))
    [made] = leads_named(server, "Approved")
    status, headers, answer = agent("POST", LEADS, lead)
    assert (status, answer["data"][0]["details"]["id"]) == (201, made["id"])
    assert "moorage-connection" in headers
    assert agent("GET", f"/approvals/{error['id']}/answer")[2] == answer
    assert len(leads_named(server, "Approved")) == 1
    audit = json.loads(server.call("GET", "/audit")[2])["entries"]
    assert {"approval.held", "approval.approved", "approval.sent"} <= {entry["action"] for entry in audit}
    held = next(
        entry for entry in audit if entry["action"] == "approval.held" and entry["subject"] == error["id"]
    )
    assert held["actor"]["address"] == "127.0.0.1"
    assert held["request_id"]


def test_a_declined_call_is_not_sent_and_the_caller_reads_why(server, owner, agent):
    lead = {"data": [{"Last_Name": "Declined"}]}
    status, headers, body = agent("POST", LEADS, lead, Prefer="respond-async, wait=5")
    approval = body["approval"]
    assert (status, headers["location"]) == (202, f"/approvals/{approval['id']}")
    assert headers["preference-applied"] == "respond-async"
    owner.open(approval["link"])
    owner.decide({"reason": "Ask Bob first."})
    told = agent("GET", headers["location"])[2]["approval"]
    assert (told["state"], told["note"], told["decided_by"]) == ("declined", "Ask Bob first.", "Olga")
    assert leads_named(server, "Declined") == []


def test_an_hour_lets_the_same_go_and_other_things_ask(server, owner, agent):
    error = agent("POST", LEADS, {"data": [{"Last_Name": "Hour", "City": "A"}]})[2]["error"]
    owner.open(error["link"])
    owner.decide({"for": "hour"})
    wait_until(lambda: not waiting(agent, error["id"]))
    assert agent("POST", LEADS, {"data": [{"Last_Name": "Hour", "City": "B"}]})[0] == 201
    [first, second] = leads_named(server, "Hour")
    assert first["id"] != second["id"]
    assert agent("DELETE", f"{LEADS}/{first['id']}")[0] == 403
    assert agent("POST", "/zoho-crm/crm/v8/Contacts", {"data": [{"Last_Name": "Hour"}]})[0] == 403


@pytest.mark.parametrize("change", ["revoked", "readonly"])
def test_what_its_key_may_not_do_any_more_is_not_sent(server, owner, agent, change):
    error = agent("POST", LEADS, {"data": [{"Last_Name": f"Not{change}"}]})[2]["error"]
    if change == "revoked":
        server.call("DELETE", f"/keys/{agent.id}")
    else:
        server.call("PUT", f"/keys/{agent.id}/policy", {"mode": "readonly"})
    owner.open(error["link"])
    owner.decide({"for": "once"})

    def shown():
        return server.get(f"/approvals/{error['id']}")[1]["approval"]

    wait_until(lambda: shown()["state"] != "approved")
    assert shown()["state"] == "declined"
    assert leads_named(server, f"Not{change}") == []


def test_a_repeat_with_an_idempotency_key_gets_the_first_answer(server, owner, agent):
    lead = {"data": [{"Last_Name": "Repeated"}]}
    error = agent("POST", LEADS, lead, Idempotency_Key="try-1")[2]["error"]
    assert agent("POST", LEADS, {"data": [{"Last_Name": "Other"}]}, Idempotency_Key="try-1")[0] == 422
    owner.open(error["link"])
    owner.decide({"for": "hour"})
    wait_until(lambda: not waiting(agent, error["id"]))
    answers = [agent("POST", LEADS, lead, Idempotency_Key="try-1") for _ in range(3)]
    assert {status for status, _, _ in answers} == {201}
    assert len(leads_named(server, "Repeated")) == 1


def test_the_page_shows_the_error_as_it_is(agent):
    page = (Path(__file__).parents[2] / "docs" / "approvals.md").read_text()
    [printed] = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shown, told = json.loads(printed), agent("POST", LEADS, {"data": [{"Last_Name": "Shown"}]})[2]
    assert shown.keys() == told.keys()
    assert shown["error"].keys() == told["error"].keys()
    assert shown["message"].startswith(told["message"].partition(":")[0])
