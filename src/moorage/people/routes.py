"""The pages on which people sign in and out, and join. They are plain HTML, work without scripts, and forbid them."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.clock import Clock
from moorage.http import forms
from moorage.http.control import route
from moorage.loopback import is_loopback
from moorage.people import elsewhere_pages, entry_pages, managing, own_page
from moorage.people.elsewhere_pages import Elsewhere
from moorage.people.entrance import Entrance
from moorage.people.entry import Entries
from moorage.people.errors import PersonExists, PersonInvalid, SignInRefused, TooManyTries
from moorage.people.frame import page_for_unknown
from moorage.people.model import LONGEST_EMAIL, LONGEST_NAME, Person
from moorage.people.passwords import SHORTEST_PASSWORD
from moorage.people.persons import Persons
from moorage.people.second_factor import SecondFactors
from moorage.people.service import People
from moorage.people.sessions import PersonSessions, client_of, go, way_back
from moorage.people.sign_in import SignIn


def routes(
    people: People,
    entries: Entries,
    sign_in: SignIn,
    second_factors: SecondFactors,
    sessions: PersonSessions,
    clock: Clock,
    base_url: str,
    persons: Persons,
    elsewhere: Elsewhere | None = None,
) -> list[Route]:
    """The routes of all pages of people. `base_url` is that of the gateway for people."""
    entrance = Entrance(second_factors, sessions, clock)
    pages = _Pages(people, sign_in, entrance, sessions, elsewhere is not None)
    return [
        route("/sign-in", GET=pages.ask, POST=pages.sign_in),
        route("/sign-in/code", POST=pages.check_code),
        route("/sign-out", POST=pages.sign_out),
        route("/welcome", GET=pages.welcome, POST=pages.join),
        *entry_pages.routes(entries, entrance),
        *own_page.routes(people, sign_in, second_factors, sessions, base_url, persons),
        *managing.routes(people, persons, base_url),
        *([] if elsewhere is None else elsewhere_pages.routes(elsewhere, entrance)),
    ]


class _Pages(msgspec.Struct, frozen=True):
    people: People
    signing_in: SignIn
    entrance: Entrance
    sessions: PersonSessions
    has_issuer: bool

    async def ask(self, request: Request) -> Response:
        query = forms.fields(request.scope["query_string"])
        if await self.sessions.person(request) is not None:
            return go(way_back(query.get("next", "")))
        return self._sign_in_page(request, query.get("next", ""))

    async def sign_in(self, request: Request) -> Response:
        form = await self.sessions.own_form(request)
        email, way = form.get("email", ""), form.get("next", "")
        try:
            person = await self.signing_in.with_password(email, form.get("password", ""), client_of(request))
        except SignInRefused as refused:
            return self._sign_in_page(request, way, email=email, note=refused.message, status=403)
        except TooManyTries as error:
            note = f"{error.message} {error.help}"
            return self._sign_in_page(request, way, email=email, note=note, status=429)
        return await self.entrance.let_in(request, person, way_back(way))

    async def check_code(self, request: Request) -> Response:
        form = await self.sessions.own_form(request)
        way = way_back(form.get("way", "").removeprefix("."))
        return await self.entrance.check_code(request, form.get("step", ""), form.get("code", ""), way)

    async def sign_out(self, request: Request) -> Response:
        await self.sessions.own_form(request)
        answer = go("./sign-in")
        await self.sessions.end(request, answer)
        return answer

    async def welcome(self, request: Request) -> Response:
        token = forms.fields(request.scope["query_string"]).get("token", "")
        return self._welcome_page(request, token, await self.people.invited(token))

    async def join(self, request: Request) -> Response:
        form = await self.sessions.own_form(request)
        token, name, email = (form.get(field, "") for field in ("token", "name", "email"))
        passwords = {"password": form.get("password", ""), "repeated": form.get("repeated", "")}
        try:
            person = await self.people.join(token, name=name, email=email, **passwords)
        except (PersonInvalid, PersonExists) as error:
            invited = await self.people.invited(token)
            note = f"{error.message} {error.help}" if isinstance(error, PersonInvalid) else error.message
            return self._welcome_page(request, token, invited, name=name, email=email, note=note, status=400)
        answer = go("./console")
        await self.sessions.begin(person, request, answer)
        return answer

    def _sign_in_page(
        self, request: Request, way: str, *, email: str = "", note: str = "", status: int = 200
    ) -> Response:
        shown = {"email": email[:LONGEST_EMAIL], "note": note, "next": way, "has_issuer": self.has_issuer}
        shown["is_here"] = is_loopback(client_of(request))
        return page_for_unknown(self.sessions, request, "sign_in.html", status, **shown)

    def _welcome_page(
        self,
        request: Request,
        token: str,
        invited: Person | None,
        *,
        name: str = "",
        email: str = "",
        note: str = "",
        status: int = 200,
    ) -> Response:
        shown = {"token": token, "invited": invited, "note": note, "shortest": SHORTEST_PASSWORD}
        shown |= {"name": name[:LONGEST_NAME], "email": email[:LONGEST_EMAIL]}
        return page_for_unknown(self.sessions, request, "welcome.html", status, **shown)
