"""`/grants`: the page with the programs that people let act, where each can be ended."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from moorage.grants.consent import GIVE, PAGES
from moorage.grants.service import Grants
from moorage.people.model import Person
from moorage.people.sessions import PersonSessions, go
from moorage.web.pages import named_headers


@dataclass(frozen=True, slots=True)
class ProgramsPage:
    grants: Grants
    sessions: PersonSessions

    async def show(self, request: Request, person: Person) -> Response:
        person.require(GIVE)
        grants, form_token = await self.grants.of_person(person), self.sessions.form_token(request)
        html = PAGES.render("list.html", person=person, grants=grants, form_token=form_token)
        return HTMLResponse(html, headers=named_headers())

    async def end(self, request: Request, person: Person) -> Response:
        await self.sessions.own_form(request)
        person.require(GIVE)
        await self.grants.end_one(person, str(request.path_params["grant_id"]))
        return go("../../grants")
