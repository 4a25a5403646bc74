"""The API of held calls. A key sees its own; one with approvals:read sees those of its account. No key decides."""

from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from moorage.approvals import decisions
from moorage.approvals.decisions import DecisionPages
from moorage.approvals.errors import PersonNeeded
from moorage.approvals.holder import response_of
from moorage.approvals.model import STATES, Approval, State, approval_document, grant_document
from moorage.approvals.service import Approvals
from moorage.errors import MoorageError
from moorage.http.control import Endpoint, json_response, route
from moorage.http.errors import ParameterInvalid, quoted
from moorage.http.message import Response as Plain
from moorage.keys.model import Principal
from moorage.near import did_you_mean
from moorage.people.frame import signed_in

READ = "approvals:read"


class Authenticate(Protocol):
    """As `http.control.Authenticate`. Without a scope, any valid key may make the call."""

    async def __call__(self, request: Request, scope: str | None, *parameters: str) -> Principal: ...


def routes(approvals: Approvals, authenticate: Authenticate, pages: DecisionPages) -> list[Route]:
    api = _Endpoints(approvals, authenticate)
    return [
        route("/approvals", GET=_for_both(api.search, signed_in(pages.sessions, pages.index))),
        route(
            "/approvals/grants/{grant_id}/end",
            POST=_for_people(signed_in(pages.sessions, pages.end_grant, "/approvals")),
        ),
        route("/approvals/{approval_id}", GET=_for_both(api.get, signed_in(pages.sessions, pages.show))),
        route("/approvals/{approval_id}/answer", GET=api.answer),
        route("/approvals/{approval_id}/cancel", POST=api.cancel),
        route("/approvals/{approval_id}/approve", POST=_for_people(pages.approve)),
        route("/approvals/{approval_id}/decline", POST=_for_people(pages.decline)),
    ]


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """The error as a page, if a browser has asked for a page of this room. None for all others."""
    is_ours = scope["path"] == "/approvals" or scope["path"].startswith("/approvals/")
    return decisions.error_page(error) if is_ours and _is_for_people(scope) else None


def _is_for_people(scope: Scope) -> bool:
    """True for a browser without an API key, which gets pages."""
    named = dict(scope["headers"])
    return b"authorization" not in named and b"text/html" in named.get(b"accept", b"")


def _for_both(for_programs: Endpoint, for_people: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        chosen = for_people if _is_for_people(request.scope) else for_programs
        return await chosen(request)

    return endpoint


def _for_people(page: Endpoint) -> Endpoint:
    """A decision: whoever sends an API key is refused, also with a session beside it."""

    async def endpoint(request: Request) -> Response:
        if "authorization" in request.headers:
            raise PersonNeeded
        return await page(request)

    return endpoint


@dataclass(frozen=True, slots=True)
class _Endpoints:
    approvals: Approvals
    authenticate: Authenticate

    async def search(self, request: Request) -> Response:
        caller = await self.authenticate(request, None, "state")
        state, key_id = request.query_params.get("state"), _own(caller)
        states = STATES if not state else (_state(state),)
        found = await self.approvals.search(caller.account_id, key_id, states)
        grants = await self.approvals.grants(caller.account_id, key_id)
        return json_response(
            {
                "approvals": [self._document(approval) for approval in found],
                "grants": [grant_document(grant) for grant in grants],
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
        return approval_document(approval, self.approvals.now(), self.approvals.link(approval.id))


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


def _as_it_came(plain: Plain) -> Response:
    """The app's answer. Its Content-Length is counted anew."""
    answer = Response(plain.text, plain.status)
    answer.raw_headers = [
        *((name.lower(), value) for name, value in plain.headers),
        (b"content-length", b"%d" % len(plain.text)),
    ]
    return answer
