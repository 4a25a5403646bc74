"""`/me`: what a person sees and changes of themselves."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import route
from moorage.keys.store import time_of
from moorage.people.errors import PersonInvalid, SignInRefused
from moorage.people.frame import page, signed_in
from moorage.people.model import MEANINGS, Person
from moorage.people.passwords import SHORTEST_PASSWORD
from moorage.people.service import People
from moorage.people.sessions import PersonSessions, client_of, go
from moorage.people.sign_in import SignIn

PATH = "/me"


def routes(people: People, sign_in: SignIn, sessions: PersonSessions) -> list[Route]:
    pages = _OwnPages(people, sign_in, sessions)
    return [
        route(PATH, GET=signed_in(sessions, pages.show)),
        route(f"{PATH}/password", POST=signed_in(sessions, pages.change_password, PATH)),
        route(f"{PATH}/sessions", POST=signed_in(sessions, pages.end_session, PATH)),
    ]


@dataclass(frozen=True, slots=True)
class _OwnPages:
    people: People
    signing_in: SignIn
    sessions: PersonSessions

    async def show(self, request: Request, person: Person) -> Response:
        sessions = [
            (session, is_here, time_of(session.begun_at), time_of(session.seen_at))
            for session, is_here in await self.sessions.list(request, person)
        ]
        return page(
            "me.html",
            person=person,
            meaning=MEANINGS[person.role],
            sessions=sessions,
            shortest=SHORTEST_PASSWORD,
            form_token=self.sessions.form_token(request),
        )

    async def change_password(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        try:
            # Whoever finds an open browser does not know the password, and may not guess it here either.
            await self.signing_in.with_password(person.email, form.get("present", ""), client_of(request))
        except SignInRefused:
            raise PersonInvalid("The present password is wrong.", help="Nothing was changed.") from None
        await self.people.change_password(person, form.get("password", ""), form.get("repeated", ""))
        answer = go("../me")
        await self.sessions.begin(person, request, answer)
        return answer

    async def end_session(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        await self.sessions.end_one(person, form.get("session", ""))
        return go("../me")
