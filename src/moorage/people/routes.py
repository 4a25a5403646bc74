"""The pages on which people sign in and out, and join. They are plain HTML, work without scripts, and forbid them."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http import forms
from moorage.http.control import route
from moorage.http.message import Response as Plain
from moorage.people.errors import PersonExists, PersonInvalid, SignInRefused
from moorage.people.model import LONGEST_EMAIL, LONGEST_NAME, MEANINGS, Person
from moorage.people.passwords import SHORTEST_PASSWORD
from moorage.people.service import People
from moorage.people.sessions import PersonSessions, client_of, go, way_back
from moorage.people.sign_in import SignIn
from moorage.web.pages import Pages, headers, html_headers
from moorage.web.tries import SignInThrottled

_PAGES = Pages("moorage.people", "Moorage")
_HEADERS = {name.decode(): value.decode() for name, value in headers()}
_PATHS = frozenset({"/sign-in", "/sign-out", "/welcome", "/me"})
_THROTTLED = "Too many tries. Wait a few minutes."


def routes(people: People, sign_in: SignIn, sessions: PersonSessions) -> list[Route]:
    pages = _Pages(people, sign_in, sessions)
    return [
        route("/sign-in", GET=pages.ask, POST=pages.sign_in),
        route("/sign-out", POST=pages.sign_out),
        route("/welcome", GET=pages.welcome, POST=pages.join),
        route("/me", GET=pages.me),
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    people: People
    signing_in: SignIn
    sessions: PersonSessions

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
        except SignInThrottled:
            return self._sign_in_page(request, way, email=email, note=_THROTTLED, status=429)
        answer = go(way_back(way))
        await self.sessions.begin(person, request, answer)
        return answer

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
        answer = go("./me")
        await self.sessions.begin(person, request, answer)
        return answer

    async def me(self, request: Request) -> Response:
        person = await self.sessions.person(request)
        if person is None:
            return self.sessions.to_sign_in(request)
        form_token = self.sessions.form_token(request)
        return _page("me.html", person=person, meaning=MEANINGS[person.role], form_token=form_token)

    def _sign_in_page(
        self, request: Request, way: str, *, email: str = "", note: str = "", status: int = 200
    ) -> Response:
        shown = {"email": email[:LONGEST_EMAIL], "note": note, "next": way}
        return self._known("sign_in.html", request, status, shown)

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
        return self._known("welcome.html", request, status, shown)

    def _known(self, template: str, request: Request, status: int, shown: Mapping[str, object]) -> Response:
        """A page whose form works in this browser, in which nobody is signed in yet."""
        answer = HTMLResponse(b"", status, _HEADERS)
        form_token = self.sessions.know(request, answer)
        page = _page(template, status, form_token=form_token, **shown)
        page.raw_headers.extend(pair for pair in answer.raw_headers if pair[0] == b"set-cookie")
        return page


def _page(template: str, status: int = 200, **values: object) -> Response:
    return HTMLResponse(_PAGES.render(template, **values), status, _HEADERS)


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """The error as a page, if it is an error of these pages. None for other paths, whose errors are JSON."""
    if scope["path"] not in _PATHS:
        return None
    html = _PAGES.render("failed.html", message=error.message, help=error.help or "")
    return Plain(0, html, html_headers())
