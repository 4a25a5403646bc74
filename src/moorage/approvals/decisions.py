"""The pages on which people decide. They are plain HTML, work without scripts, and forbid them."""

import contextlib
import json
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from moorage.approvals.diffs import Diffs
from moorage.approvals.model import STATES, HeldCall, State
from moorage.approvals.service import Approvals, Decision
from moorage.errors import MoorageError
from moorage.http.errors import BodyInvalid
from moorage.http.message import Response as Plain
from moorage.http.timestamps import wire_time_of
from moorage.people.model import Person
from moorage.people.sessions import PersonSessions, go
from moorage.policies.bodies import json_of
from moorage.web.pages import Pages, named_headers

LONGEST_REASON = 500
_LONGEST_BODY = 4000  # Characters of a body that are shown.
_RECENT = 50
_SOON = "2"  # Seconds after which a browser loads the page of a call anew that is being sent.
_WAITING: tuple[State, ...] = ("waiting",)
_OTHERS = tuple(state for state in STATES if state != "waiting")

_PAGES = Pages("moorage.approvals", "Moorage")
_HEADERS = named_headers()


@dataclass(frozen=True, slots=True)
class DecisionPages:
    approvals: Approvals
    diffs: Diffs
    sessions: PersonSessions

    async def index(self, request: Request, person: Person) -> Response:
        person.require("approvals:read")
        waiting = await self.approvals.search(person.account_id, states=_WAITING)
        others = await self.approvals.search(person.account_id, states=_OTHERS)
        return self._page(
            request,
            "list.html",
            person,
            waiting=waiting[::-1],
            others=others[:_RECENT],
            grants=await self.approvals.grants(person.account_id),
        )

    async def show(self, request: Request, person: Person) -> Response:
        person.require("approvals:read")
        approval = await self.approvals.get(person.account_id, _id(request))
        sees_values = person.may("approvals:see_values")
        is_waiting = approval.state_at(self.approvals.now()) == "waiting"
        call, diff = await self.diffs.of(approval) if sees_values and is_waiting else (None, None)
        body, body_note = _body_of(call)
        page = self._page(
            request,
            "one.html",
            person,
            approval=approval,
            sees_values=sees_values,
            decides=is_waiting and person.may("approvals:decide"),
            native=None if call is None else call.native.decode("latin-1"),
            sent_headers=[] if call is None else _shown_headers(call),
            diff=diff,
            body=body,
            body_note=body_note,
        )
        if approval.state in {"approved", "sending"}:
            page.headers["refresh"] = _SOON
        return page

    async def approve(self, request: Request) -> Response:
        return await self._decide(request, approves=True)

    async def decline(self, request: Request) -> Response:
        return await self._decide(request, approves=False)

    async def _decide(self, request: Request, *, approves: bool) -> Response:
        person = await self.sessions.person(request)
        if person is None:
            return self.sessions.to_sign_in(request, f"/approvals/{_id(request)}")
        form = await self.sessions.own_form(request)
        person.require("approvals:decide")
        an_hour = approves and form.get("for") == "hour"
        decision = Decision(person.name, approves, an_hour, None if approves else _reason(form))
        approval = await self.approvals.decide(person.account_id, _id(request), decision)
        return go(f"../{approval.id}")

    async def end_grant(self, request: Request, person: Person) -> Response:
        await self.sessions.own_form(request)
        person.require("approvals:decide")
        await self.approvals.end_grant(person.account_id, str(request.path_params["grant_id"]))
        return go("../../../approvals")

    def _page(self, request: Request, template: str, person: Person, **values: object) -> Response:
        now = self.approvals.now()
        html = _PAGES.render(
            template,
            person=person,
            form_token=self.sessions.form_token(request),
            now=now,
            time=_time,
            minutes=lambda deadline: max(0, round((deadline - now) / 60_000_000)),
            state=lambda approval: approval.state_at(now),
            **values,
        )
        return HTMLResponse(html, headers=_HEADERS)


def error_page(error: MoorageError) -> Plain:
    """The error as a page, for a browser."""
    return _PAGES.failed(error)


def _id(request: Request) -> str:
    return str(request.path_params["approval_id"])


def _reason(form: dict[str, str]) -> str | None:
    reason = " ".join(form.get("reason", "").split())
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise BodyInvalid(
            f"The reason has to be up to {LONGEST_REASON} printable characters.", help="Write a shorter one."
        )
    return reason or None


def _time(microseconds: int | None) -> str:
    """A time for people, in UTC."""
    return "" if microseconds is None else f"{wire_time_of(microseconds)[:19].replace('T', ' ')} UTC"


def _shown_headers(call: HeldCall) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in call.headers]


def _body_of(call: HeldCall | None) -> tuple[str | None, str]:
    """The body of a call as people read it, and what of it is not shown."""
    if call is None or not call.body:
        return None, ""
    try:
        text = call.body.decode()
    except UnicodeDecodeError:
        return None, f"The body has {len(call.body)} bytes that are no text."
    # Other texts are shown as they are, also if a name is there twice: the app may take either value.
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json_of(call.body), ensure_ascii=False, indent=2)
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= _LONGEST_BODY:
        return text, ""
    return text[:_LONGEST_BODY], f"That is the beginning. The whole body has {len(text)} characters."
