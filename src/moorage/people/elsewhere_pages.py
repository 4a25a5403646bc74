"""The two addresses of signing in at an issuer: there, and back again."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http import forms
from moorage.http.control import route
from moorage.people.elsewhere import CALLBACK, Admission, SignInElsewhere
from moorage.people.entrance import Entrance
from moorage.people.errors import IssuerRefused
from moorage.people.sessions import PersonSessions, client_of, go, way_back

PATH = "/sign-in/elsewhere"


class Elsewhere(msgspec.Struct, frozen=True):
    """Signing in at an issuer, and who may. The account of new people is looked up when it is needed."""

    sign_in: SignInElsewhere
    admission: Callable[[], Awaitable[Admission]]


def routes(elsewhere: Elsewhere, entrance: Entrance) -> list[Route]:
    pages = _ElsewherePages(elsewhere, entrance, entrance.sessions)
    return [route(PATH, GET=pages.leave), route(CALLBACK, GET=pages.come_back)]


class _ElsewherePages(msgspec.Struct, frozen=True):
    elsewhere: Elsewhere
    entrance: Entrance
    sessions: PersonSessions

    async def leave(self, request: Request) -> Response:
        way = way_back(forms.fields(request.scope["query_string"]).get("next", ""))
        if await self.sessions.person(request) is not None:
            return go(f"../{way}")
        browser, _ = self.sessions.unknown(request)
        answer = go(await self.elsewhere.sign_in.begin(browser, way))
        self.sessions.put(answer, browser)
        return answer

    async def come_back(self, request: Request) -> Response:
        query = forms.fields(request.scope["query_string"])
        if request.method == "HEAD":  # A HEAD request must not spend the code.
            return go("../sign-in")
        if "error" in query or not query.get("code"):
            raise IssuerRefused("The issuer did not sign you in.")
        person, way = await self.elsewhere.sign_in.finish(
            query.get("state", ""),
            query["code"],
            query.get("iss"),
            self.sessions.of(request),
            client_of(request),
            await self.elsewhere.admission(),
        )
        return await self.entrance.let_in(request, person, way)
