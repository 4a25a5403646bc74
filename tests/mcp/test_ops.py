"""What the tools for operators make of the answers of the control API."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from moorage.mcp.answers import HARD_CAP
from moorage.mcp.errors import ToolFailed
from moorage.mcp.ops import PROFILE
from moorage.mcp.session import Answer
from moorage.mcp.texts import size

CALL = {
    "request_id": "r",
    "number": 7,
    "at": "2026-02-07T09:10:56.048460Z",
    "key": {"id": "key_1", "name": None},
    "connection": None,
    "method": "GET",
    "path": "/crm/v8/Leads",
    "query": "fields=Last_Name",
    "status": None,
    "error": "caller_gone",
    "duration_ms": 12.4,
}


@dataclass
class Answering:
    """A session whose calls of the control API have one answer."""

    document: dict
    asked: list = field(default_factory=list)

    async def control(self, method, path, *, query=None, body=None):
        self.asked.append((method, path, query))
        if "connections" in self.document:
            return Answer(200, {}, json.dumps(self.page(query["limit"])).encode())
        return Answer(200, {}, json.dumps(self.document).encode())

    def page(self, limit):
        shown = self.document["connections"][:limit]
        is_last = len(shown) == len(self.document["connections"])
        return {"connections": shown} | ({} if is_last else {"next_cursor": f"behind {len(shown)}"})


def told(name, document, **arguments):
    tool, session = PROFILE.by_name[name], Answering(document)
    return asyncio.run(tool.run(session, tool.asked(arguments))), session.asked


def page(*calls, cursor=None, notices=()):
    return {"requests": list(calls), "next_cursor": cursor, "notices": list(notices)}


def test_a_row_says_who_called_what_and_how_it_ended():
    answer, asked = told("list_requests", page(CALL), query="status:404")
    assert asked == [("GET", "/requests", {"q": "status:404", "limit": 20})]
    [row] = answer.data.rows
    assert dict(zip(answer.data.columns, row, strict=True)) == {
        "at": "2026-02-07T09:10:56Z",
        "key": "key_1",
        "method": "GET",
        "path": "/crm/v8/Leads?fields=Last_Name",
        "status": None,
        "error": "caller_gone",
        "ms": 12,
        "request_id": "r",
    }
    assert answer.data.cursor is None


def test_a_page_that_is_cut_goes_on_behind_its_last_row():
    calls = [CALL | {"number": 900 - n, "path": "/" + "x" * 500} for n in range(50)]
    answer, _ = told("list_requests", page(*calls, cursor="850"), limit=50)
    shown = len(answer.data.rows)
    assert 0 < shown < 50
    assert answer.data.cursor == str(900 - shown + 1)
    whole, _ = told("list_requests", page(CALL, cursor="850"))
    assert whole.data.cursor == "850"


def test_what_the_log_may_lack_is_said_once():
    notices = [{"kind": kind} for kind in ("interrupted", "strangers", "dropped", "interrupted")]
    answer, _ = told("list_requests", page(notices=notices))
    assert answer.data.note.count("may be missing") == 1
    assert answer.data.note.count("Calls are missing") == 1


def test_bodies_are_cut_and_marked_as_data():
    bodies = {which: {"type": "application/json", "text": "ß" * 100_000} for which in ("request", "answer")}
    answer, asked = told("get_request", {"request": CALL | {"bodies": bodies}}, request_id="a/b", bodies=True)
    assert asked == [("GET", "/requests/a%2Fb", {"bodies": "true"})]
    shown = answer.data.request["bodies"]["answer"]["text"]
    assert shown.startswith("ß" * 5000) and shown.endswith("characters)")
    assert size(answer.data) < HARD_CAP
    before, _, data = answer.content().partition("=====data=====\n")
    assert "ß" not in before and "/crm/v8/Leads" not in before
    assert data.count(shown) == 2


def test_the_stream_of_calls_is_no_call():
    with pytest.raises(ToolFailed, match="No request has this id"):
        told("get_request", {}, request_id="tail")


def test_a_call_without_kept_bodies_says_so():
    answer, _ = told("get_request", {"request": CALL | {"bodies": None}}, request_id="r", bodies=True)
    assert answer.data.note == "The server kept no bodies of it."
    assert "bodies" not in answer.data.request


def test_a_diagnosis_has_no_address_that_leads_a_connection_elsewhere():
    finding = {
        "code": "connected",
        "severity": "ok",
        "cause": "It works.",
        "evidence": "GET /org",
        "fix": None,
    }
    document = {
        "connection_id": "c",
        "app": "zoho-crm",
        "status": "ACTIVE",
        "healthy": True,
        "findings": [finding],
        "url": "http://gateway.test/connect/?session_token=secret",
    }
    answer, asked = told("diagnose_connection", document, connection="sales-eu")
    assert asked == [("GET", "/connections/sales-eu/diagnosis", None)]
    assert "secret" not in repr(answer) and "secret" not in answer.content()
    assert "It works." in answer.content()


def test_a_list_of_connections_that_is_cut_goes_on_behind_its_last_row():
    health = {"status": "failed", "reason": "x" * 500, "next": None}
    connection = {
        "id": "c",
        "alias": None,
        "app": "zoho-crm",
        "status": "FAILED",
        "environment": "live",
        "metadata": {},
        "health": health,
    }
    answer, asked = told("list_connections", {"connections": [connection] * 100}, limit=50)
    shown = len(answer.data.rows)
    assert 0 < shown < 50
    assert [query["limit"] for _, _, query in asked] == [50, shown]
    assert answer.data.cursor == f"behind {shown}"
    whole, _ = told("list_connections", {"connections": [connection]})
    assert whole.data.cursor is None
