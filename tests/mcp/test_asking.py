"""How often a client is asked for its person, and what it answers."""

import asyncio
from types import SimpleNamespace

import msgspec
import pytest
from mcp_types import ElicitResult

from moorage.mcp import held
from moorage.mcp.asking import MOST_ROUNDS, State, after_waiting, asked, may_ask, resume
from moorage.mcp.errors import Held, PersonNeeded, ToolFailed

NEEDED = PersonNeeded("agent wants to delete a lead.", "http://x/approvals/a1", "/approvals/a1")


APPROVAL = {
    "id": "a1",
    "link": NEEDED.link,
    "words": "delete a lead",
    "key": {"name": "agent"},
    "connection": {"name": "sales"},
    "environment": "live",
}


class Approvals:
    """Plays a session whose held call waits. `asked` are the calls of the control API."""

    def __init__(self, *states, refuses=False):
        self.asked = []
        self.nonce = None
        self.has_changed = False
        self._states = list(states)
        self._refuses = refuses

    async def control(self, method, path):
        self.asked.append((method, path, self.nonce))
        if self._refuses:
            raise ToolFailed("It is decided.")
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return SimpleNamespace(document={"approval": APPROVAL | {"state": state}})


def resumed(session, state, action=None):
    responses = None if action is None else {"page": ElicitResult(action=action)}
    return asyncio.run(resume(session, state, SimpleNamespace(input_responses=responses)))


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(held, "_EVERY", 0.001)
    monkeypatch.setattr(held, "_WAIT", 0.02)


def test_a_page_is_opened_once_and_then_only_the_call_is_repeated():
    first = asked(State("n"), NEEDED)
    assert first.input_requests["page"].params.url == NEEDED.link
    state = msgspec.json.decode(first.request_state, type=State)
    assert (state.nonce, state.round, state.subject) == ("n", 1, NEEDED.subject)
    assert asked(state, NEEDED).input_requests is None
    other = PersonNeeded("Another.", "http://x/approvals/a2", "/approvals/a2")
    assert asked(state, other).input_requests is not None


def test_a_client_is_asked_a_bounded_number_of_times_and_not_after_a_change():
    session, state, rounds = Approvals("waiting"), State("n"), 0
    while may_ask(session, state):
        state = msgspec.json.decode(asked(state, NEEDED).request_state, type=State)
        rounds += 1
    assert rounds == MOST_ROUNDS < 10
    session.has_changed = True
    assert not may_ask(session, State("n"))


def test_a_call_waits_until_a_person_has_decided():
    session = Approvals("waiting", "approved", "sending", "sent")
    assert resumed(session, State("n", 1, NEEDED.subject), "accept") is None
    assert session.asked == [("GET", NEEDED.subject, None)] * 4
    assert session.nonce == "n"


def test_a_client_calls_again_while_nobody_decides_and_gets_the_link_in_the_end():
    session, state = Approvals("waiting"), State("n", 1, NEEDED.subject)
    while (again := resumed(session, state)) is not None:
        assert again.input_requests is None
        state = msgspec.json.decode(again.request_state, type=State)
        if state.round == MOST_ROUNDS:
            break
    with pytest.raises(Held):
        resumed(session, state)
    assert session.nonce is None  # The tool is not run.


def test_who_declines_at_the_client_takes_the_call_back_unless_it_is_decided():
    session = Approvals("waiting")
    with pytest.raises(ToolFailed, match="declined it"):
        resumed(session, State("n", 1, NEEDED.subject), "decline")
    assert session.asked == [("POST", f"{NEEDED.subject}/cancel", None)]
    decided = Approvals("sent", refuses=True)
    resumed(decided, State("n", 1, NEEDED.subject), "decline")
    assert decided.nonce == "n"


def test_who_closes_the_question_is_asked_no_more():
    session, state = Approvals("waiting"), State("n", 1, NEEDED.subject)
    with pytest.raises(Held):
        resumed(session, state, "cancel")
    assert not may_ask(session, state)
    assert len(session.asked) == 1


def test_another_call_than_the_one_that_was_held_is_not_made():
    failed = after_waiting(ToolFailed("x", code="idempotency_key_reused"), State("n", 1, NEEDED.subject))
    assert "check_approval a1" in failed.step
    same = ToolFailed("x", code="idempotency_key_reused")
    assert after_waiting(same, State("n")) is same
