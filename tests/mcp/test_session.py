"""What a session sends for a tool, when it is run once and when it is run again."""

import asyncio
import json

import pytest

from moorage.http.inside import InsideAnswer
from moorage.keys.model import Principal
from moorage.mcp.errors import Held, ToolFailed
from moorage.mcp.session import Session

APPROVAL = {
    "id": "a1",
    "link": "http://x/approvals/a1",
    "words": "delete 1 record in Leads",
    "key": {"id": "k", "name": "agent"},
    "connection": {"id": "c", "name": "sales"},
    "environment": "live",
}


class Door:
    """Plays the gateway. `answers` are given in turn, and then empty ones."""

    def __init__(self, *answers):
        self.names = []
        self._answers = list(answers)

    async def call(self, method, target, headers, body, *, client, most):
        named = {name.lower(): value for name, value in headers}
        self.names.append(named.get(b"idempotency-key", b"").decode())
        return self._answers.pop(0) if self._answers else InsideAnswer(200, [], b"{}")


def held():
    body = json.dumps({"approval": APPROVAL}).encode()
    return InsideAnswer(202, [(b"preference-applied", b"respond-async")], body)


def refusal(source, status=403):
    headers = [(b"moorage-error-source", source)]
    return InsideAnswer(status, headers, b'{"error": {"code": "x", "message": "No."}, "detail": ""}')


def session(door, nonce=None):
    made = Session(Principal("k", "team"), "Bearer x", door, None, ("", 0), {}, None)
    made.nonce = nonce
    return made


async def tool(session):
    """Reads, and makes two calls that change something."""
    await session.app(None, "GET", "/crm/v8/Leads")
    await session.app(None, "POST", "/crm/v8/Leads", body={"data": []})
    await session.app(None, "DELETE", "/crm/v8/Leads/1")


def test_calls_have_the_same_names_when_the_tool_is_run_again():
    doors = [Door(), Door()]
    for door in doors:
        asyncio.run(tool(session(door, "n")))
    [names, again] = [door.names for door in doors]
    assert names == again and len(set(names)) == 3
    assert names[1:] == ["n.1", "n.2"]


def test_calls_have_no_name_if_the_tool_is_run_only_once():
    door = Door()
    asyncio.run(tool(session(door)))
    assert door.names == ["", "", ""]


def test_a_name_that_the_agent_gave_goes_before():
    door, headers = Door(), [(b"Idempotency-Key", b"own")]
    asyncio.run(session(door, "n").app(None, "POST", "/crm/v8/Leads", headers=headers))
    assert door.names == ["own"]


@pytest.mark.parametrize(
    ("before", "has_changed"),
    [(0, False), (1, False), (2, True)],
    ids=["first", "after a read", "after a write"],
)
def test_what_was_changed_before_a_held_call_is_noted(before, has_changed):
    made = session(Door(*[InsideAnswer(200, [], b"{}")] * before, held()), "n")
    with pytest.raises(Held) as caught:
        asyncio.run(tool(made))
    assert made.has_changed is has_changed
    assert caught.value.subject == "/approvals/a1"
    assert "agent wants to delete 1 record in Leads, through the account sales (live)" in caught.value.message


def test_only_an_apps_error_is_kept():
    door = Door(refusal(b"upstream"), refusal(b"gateway"), refusal(b"upstream"))
    made = session(door)
    answer = asyncio.run(made.app(None, "GET", "/x", keeps_errors=True))
    assert answer.status == 403
    with pytest.raises(ToolFailed, match="No"):
        asyncio.run(made.app(None, "GET", "/x", keeps_errors=True))
    with pytest.raises(ToolFailed):
        asyncio.run(made.app(None, "GET", "/x"))
