"""Asks a person through the client, as revision 2026-07-28 does it: the client opens a page, and calls the tool again.

What is known of the call meanwhile goes to the client and comes back, sealed (`request_state.py`). So any worker can go
on, also after a restart.
"""

import secrets
from typing import Any

import mcp_types as types
import msgspec
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from moorage.approvals.model import UNDER_WAY
from moorage.mcp.context import Context
from moorage.mcp.errors import APPROVALS, PersonNeeded, ToolFailed
from moorage.mcp.held import held_now, take_back, wait_for_person
from moorage.mcp.session import Session

MOST_ROUNDS = 9  # How often a client is told to call again. Those of the official SDKs do it ten times.
_PAGE = "page"
# Refusals of a call that tell nothing of the same call when it was held.
_BEFORE = frozenset({"idempotency_key_reused", "budget_exhausted", "rate_limited"})


class State(msgspec.Struct):
    """`nonce` makes the calls of the tool known when it is run again. `subject` is what a person was asked about."""

    nonce: str
    round: int = 0
    subject: str | None = None


def state_of(context: Context, params: types.CallToolRequestParams) -> State | None:
    """What is known of a call. None if its client can't be asked."""
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return None  # Its capabilities came with another request, which another worker may have had.
    if params.request_state is not None:
        return msgspec.json.decode(params.request_state, type=State)  # It was sealed, so it is ours.
    capabilities = context.session.client_capabilities
    elicitation = None if capabilities is None else capabilities.elicitation
    return None if elicitation is None or elicitation.url is None else State(secrets.token_urlsafe(16))


async def resume(
    session: Session, state: State, params: types.CallToolRequestParams
) -> types.InputRequiredResult | None:
    """Get the session ready to run the tool, once a person has decided. Gives a result if the client has to call again.

    Raises ToolFailed if the person at the client declines; and Held if nobody has decided after all, or if the person
    has closed the question.
    """
    if state.subject is not None:
        action = _action(params)
        if action == "decline" and await take_back(session, state.subject):
            raise ToolFailed("The person at this client declined it, so nothing was sent.", code="declined")
        if action == "cancel":
            state.round = MOST_ROUNDS
        elif not await wait_for_person(session, state.subject) and state.round < MOST_ROUNDS:
            return _again(State(state.nonce, state.round + 1, state.subject))
        if state.round >= MOST_ROUNDS and state.subject.startswith(APPROVALS):
            held = await held_now(session, state.subject)
            if held.approval["state"] in UNDER_WAY:
                raise held  # To run the tool once more would count as a call.
    session.nonce = state.nonce
    return None


def _action(params: types.CallToolRequestParams) -> str | None:
    """What the person at the client did with the question."""
    answer = None if params.input_responses is None else params.input_responses.get(_PAGE)
    return answer.action if isinstance(answer, types.ElicitResult) else None


def may_ask(session: Session, state: State) -> bool:
    """False for a tool that must not be run again, and for a client that was asked often enough."""
    return state.round < MOST_ROUNDS and not session.has_changed


def after_waiting(failed: ToolFailed, state: State) -> ToolFailed:
    """The failure of a tool that was run again. If it has not come to the held call, that may have been sent."""
    if state.subject is None or failed.code not in _BEFORE:
        return failed
    message = failed.message
    if failed.code == "idempotency_key_reused":
        message = "The account has changed meanwhile, so the tool would make another call than the one that was held."
    step = f"check_approval {state.subject.rpartition('/')[2]} says what became of the held call."
    return ToolFailed(message, step=step, code=failed.code)


def asked(state: State, needed: PersonNeeded) -> types.InputRequiredResult:
    """Let the client open the page, if it has not done so, and call again."""
    page = types.ElicitRequestURLParams(message=needed.message, url=needed.link)
    following = State(state.nonce, state.round + 1, needed.subject)
    if state.subject == needed.subject:
        return _again(following)
    return _again(following, {_PAGE: types.ElicitRequest(params=page)})


def _again(state: State, questions: dict[str, Any] | None = None) -> types.InputRequiredResult:
    return types.InputRequiredResult(
        input_requests=questions, request_state=msgspec.json.encode(state).decode()
    )
