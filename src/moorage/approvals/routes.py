"""The API of held calls. A key sees its own; one with approvals:read sees those of its account.

Only people decide, and see what a call would change: no key does, whatever its scopes.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.approvals.contents import call_document, diff_document
from moorage.approvals.diffs import Diffs
from moorage.approvals.holder import response_of
from moorage.approvals.model import STATES, Approval, State, approval_document, grant_document
from moorage.approvals.service import MOST_SHOWN, Approvals, Decision
from moorage.http.control import json_object, json_response, route
from moorage.http.encode import BODILESS
from moorage.http.errors import BodyInvalid, ParameterInvalid, quoted
from moorage.http.message import Response as Plain
from moorage.keys.model import Principal
from moorage.near import did_you_mean
from moorage.people.model import Person
from moorage.people.persons import Persons
from moorage.web.leading import or_console

READ = "approvals:read"
LONGEST_REASON = 500
_APPROVE_EXAMPLE = '{"for": "once"}'
_DECLINE_EXAMPLE = '{"reason": "Ask Bob first."}'


class Authenticate(Protocol):
    """As `http.control.Authenticate`. Without a scope, any valid key may make the call."""

    async def __call__(self, request: Request, scope: str | None, *parameters: str) -> Principal: ...


def routes(approvals: Approvals, diffs: Diffs, authenticate: Authenticate, persons: Persons) -> list[Route]:
    """The routes of held calls. `persons` recognises who decides; a browser is led to the console."""
    api, deciding = _Endpoints(approvals, authenticate), _Deciding(approvals, diffs, persons)
    return [
        route("/approvals", GET=or_console(api.search)),
        route("/approvals/grants/{grant_id}/end", POST=deciding.end_grant),
        route("/approvals/{approval_id}", GET=or_console(api.get)),
        route("/approvals/{approval_id}/contents", GET=deciding.contents),
        route("/approvals/{approval_id}/answer", GET=api.answer),
        route("/approvals/{approval_id}/cancel", POST=api.cancel),
        route("/approvals/{approval_id}/approve", POST=deciding.approve),
        route("/approvals/{approval_id}/decline", POST=deciding.decline),
    ]


class _Endpoints(msgspec.Struct, frozen=True):
    approvals: Approvals
    authenticate: Authenticate

    async def search(self, request: Request) -> Response:
        caller = await self.authenticate(request, None, "state", "limit")
        state, key_id = request.query_params.get("state"), _own(caller)
        states = STATES if not state else (_state(state),)
        limit = _limit(request.query_params.get("limit"))
        found = await self.approvals.search(caller.account_id, key_id, states)
        return json_response(
            {
                "approvals": [self._document(approval) for approval in found[:limit]],
                "grants": [
                    grant_document(grant) for grant in await self.approvals.grants(caller.account_id, key_id)
                ],
                "waiting": await self.approvals.waiting(caller.account_id, key_id),
            }
        )

    async def get(self, request: Request) -> Response:
        caller = await self.authenticate(request, None)
        approval = await self.approvals.get(caller.account_id, _id(request), _own(caller))
        return json_response({"approval": self._document(approval)})

    async def answer(self, request: Request) -> Response:
        caller = await self.authenticate(request, None)
        answer = await self.approvals.answer(caller.account_id, _id(request), _own(caller))
        return _as_it_came(response_of(answer))

    async def cancel(self, request: Request) -> Response:
        caller = await self.authenticate(request, None)
        approval = await self.approvals.cancel(caller.account_id, _id(request), caller.key_id)
        return json_response({"approval": self._document(approval)})

    def _document(self, approval: Approval) -> dict[str, Any]:
        return _document(self.approvals, approval)


class _Deciding(msgspec.Struct, frozen=True):
    """What only people do."""

    approvals: Approvals
    diffs: Diffs
    persons: Persons

    async def contents(self, request: Request) -> Response:
        person = await self.persons(request, "approvals:see_values")
        approval = await self.approvals.get(person.account_id, _id(request))
        is_waiting = approval.state_at(self.approvals.now()) == "waiting"
        call, diff = await self.diffs.of(approval) if is_waiting else (None, None)
        return json_response(
            {
                "call": None if call is None else call_document(call),
                "diff": None if diff is None else diff_document(diff),
            }
        )

    async def approve(self, request: Request) -> Response:
        person = await self.persons(request, "approvals:decide")
        body = await json_object(request, _APPROVE_EXAMPLE, known=("for",), optional=True)
        length = body.get("for", "once")
        if length not in {"once", "hour"}:
            raise BodyInvalid(f"for can't be {quoted(str(length))}.", help="Send once, or hour.")
        return await self._decide(request, person, Decision(person.name, True, length == "hour"))

    async def decline(self, request: Request) -> Response:
        person = await self.persons(request, "approvals:decide")
        body = await json_object(request, _DECLINE_EXAMPLE, known=("reason",), optional=True)
        return await self._decide(request, person, Decision(person.name, False, note=_reason(body)))

    async def _decide(self, request: Request, person: Person, decision: Decision) -> Response:
        approval = await self.approvals.decide(person.account_id, _id(request), decision)
        return json_response({"approval": _document(self.approvals, approval)})

    async def end_grant(self, request: Request) -> Response:
        person = await self.persons(request, "approvals:decide")
        grant = await self.approvals.end_grant(person.account_id, str(request.path_params["grant_id"]))
        return json_response({"grant": grant_document(grant)})


def _document(approvals: Approvals, approval: Approval) -> dict[str, Any]:
    return approval_document(approval, approvals.now(), approvals.link(approval.id))


def _reason(body: Mapping[str, Any]) -> str | None:
    """What a person says to the caller. Raises BodyInvalid."""
    given = body.get("reason") or ""
    reason = " ".join(given.split()) if isinstance(given, str) else ""
    if not isinstance(given, str) or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise BodyInvalid(
            f"The reason has to be up to {LONGEST_REASON} printable characters.", help="Write a shorter one."
        )
    return reason or None


def _own(caller: Principal) -> str | None:
    """The key whose calls the caller sees; None for those of all keys."""
    return None if caller.may(READ) else caller.key_id


def _id(request: Request) -> str:
    return str(request.path_params["approval_id"])


def _state(text: str) -> State:
    for state in STATES:
        if state == text:
            return state
    raise ParameterInvalid(
        f"state can't be {quoted(text)}.{did_you_mean(text, STATES)}", help=f"Use one of {', '.join(STATES)}."
    )


def _limit(text: str | None) -> int:
    limit = (
        MOST_SHOWN
        if text is None
        else int(text)
        if text.isascii() and text.isdecimal() and len(text) < 5
        else 0
    )
    if not 1 <= limit <= MOST_SHOWN:
        raise ParameterInvalid(
            f"limit can't be {quoted(text or '')}.", help=f"Use a number from 1 to {MOST_SHOWN}."
        )
    return limit


def _as_it_came(plain: Plain) -> Response:
    """The app's answer. Its Content-Length is counted anew; an answer that never has a body has none [RFC 9110]."""
    answer = Response(plain.text, plain.status)
    answer.raw_headers = [(name.lower(), value) for name, value in plain.headers]
    if plain.status not in BODILESS:
        answer.raw_headers.append((b"content-length", b"%d" % len(plain.text)))
    return answer
