"""`/people`: the page on which owners invite people, change what they may do, and remove them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import route
from moorage.people.frame import page, signed_in
from moorage.people.model import MEANINGS, Person, read_role, welcome_url
from moorage.people.service import People
from moorage.people.sessions import PersonSessions, go

PATH = "/people"


def routes(people: People, sessions: PersonSessions, base_url: str) -> list[Route]:
    """`base_url` is that of the gateway for people, for links."""
    pages = _Managing(people, sessions, base_url)
    return [
        route(PATH, GET=signed_in(sessions, pages.show), POST=signed_in(sessions, pages.invite)),
        route(f"{PATH}/role", POST=signed_in(sessions, pages.change_role, PATH)),
        route(f"{PATH}/reset", POST=signed_in(sessions, pages.reset, PATH)),
        route(f"{PATH}/sign-out", POST=signed_in(sessions, pages.sign_out, PATH)),
        route(f"{PATH}/remove", POST=signed_in(sessions, pages.remove, PATH)),
    ]


@dataclass(frozen=True, slots=True)
class _Managing:
    people: People
    sessions: PersonSessions
    base_url: str

    async def show(self, request: Request, person: Person) -> Response:
        person.require("people:write")
        everybody = await self.people.list(person.account_id)
        form_token = self.sessions.form_token(request)
        return page("people.html", person=person, people=everybody, roles=MEANINGS, form_token=form_token)

    async def invite(self, request: Request, person: Person) -> Response:
        form = await self._form(request, person)
        email, role = form.get("email", ""), read_role(form.get("role", ""))
        invited, token = await self.people.invite(person.account_id, email, form.get("name") or email, role)
        return page("link.html", invited=invited, link=welcome_url(self.base_url, token), back="./people")

    async def change_role(self, request: Request, person: Person) -> Response:
        form = await self._form(request, person)
        role = read_role(form.get("role", ""))
        await self.people.change_role(person.account_id, form.get("person", ""), role)
        return go("../people")

    async def reset(self, request: Request, person: Person) -> Response:
        form = await self._form(request, person)
        invited, token = await self.people.reset(person.account_id, form.get("person", ""))
        return page("link.html", invited=invited, link=welcome_url(self.base_url, token), back="../people")

    async def sign_out(self, request: Request, person: Person) -> Response:
        form = await self._form(request, person)
        await self.people.end_sessions(person.account_id, form.get("person", ""))
        return go("../people")

    async def remove(self, request: Request, person: Person) -> Response:
        form = await self._form(request, person)
        await self.people.remove(person.account_id, form.get("person", ""))
        return go("../people")

    async def _form(self, request: Request, person: Person) -> dict[str, str]:
        """Raises PermissionMissing, FormRefused."""
        person.require("people:write")
        return await self.sessions.own_form(request)
