"""`/me`: what a person sees and changes of themselves. The console shows it; its forms are sent here."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import json_response, route
from moorage.http.timestamps import wire_time_of
from moorage.people.errors import CodeRefused, PersonInvalid, SignInRefused
from moorage.people.frame import page, signed_in
from moorage.people.model import MEANINGS, Person, person_document
from moorage.people.passwords import SHORTEST_PASSWORD
from moorage.people.persons import Persons
from moorage.people.second_factor import SecondFactors
from moorage.people.service import People
from moorage.people.sessions import PersonSessions, client_of, go, up
from moorage.people.sign_in import SignIn
from moorage.people.totp import enrolment_uri
from moorage.web.leading import or_console

PATH = "/me"


def routes(
    people: People,
    sign_in: SignIn,
    second_factors: SecondFactors,
    sessions: PersonSessions,
    base_url: str,
    persons: Persons,
) -> list[Route]:
    pages = _OwnPages(people, sign_in, sessions, persons)
    factors = _SecondFactorPages(sign_in, second_factors, sessions, urlsplit(base_url).netloc)
    return [
        route(PATH, GET=or_console(pages.show)),
        route(f"{PATH}/password", POST=signed_in(sessions, pages.change_password, PATH)),
        route(f"{PATH}/sessions", POST=signed_in(sessions, pages.end_session, PATH)),
        route(f"{PATH}/second-factor", POST=signed_in(sessions, factors.begin, PATH)),
        route(f"{PATH}/second-factor/on", POST=signed_in(sessions, factors.turn_on, PATH)),
        route(f"{PATH}/second-factor/off", POST=signed_in(sessions, factors.turn_off, PATH)),
    ]


@dataclass(frozen=True, slots=True)
class _OwnPages:
    people: People
    signing_in: SignIn
    sessions: PersonSessions
    persons: Persons

    async def show(self, request: Request) -> Response:
        """What the console shows a person of themselves. It sends the browser's cookie on, to know the session here."""
        person = await self.persons(request, None)
        sessions = [
            {
                "id": session.id,
                "is_here": is_here,
                "browser": session.browser or None,
                "address": session.address or None,
                "begun_at": wire_time_of(session.begun_at),
                "seen_at": wire_time_of(session.seen_at),
            }
            for session, is_here in await self.sessions.list(request, person)
        ]
        document = {
            "person": person_document(person),
            "has_password": person.has_password,
            "enters_here": person.enters_here,
            "meaning": MEANINGS[person.role],
            "sessions": sessions,
            "shortest_password": SHORTEST_PASSWORD,
        }
        return json_response(document)

    async def change_password(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        if not person.enters_here:
            await require_password(self.signing_in, request, person, form)
        email = form.get("email") if person.enters_here else None
        password, repeated = form.get("password", ""), form.get("repeated", "")
        changed = await self.people.change_password(person, password, repeated, email)
        answer = go("../me")
        await self.sessions.begin(changed, request, answer)
        return answer

    async def end_session(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        await self.sessions.end_one(person, form.get("session", ""))
        return go("../me")


@dataclass(frozen=True, slots=True)
class _SecondFactorPages:
    """`host` is the name of this server in the apps on phones."""

    signing_in: SignIn
    second_factors: SecondFactors
    sessions: PersonSessions
    host: str

    async def begin(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        await require_password(self.signing_in, request, person, form)
        if person.has_second_factor:
            return go("../me")
        return self._enrolment(request, person, await self.second_factors.begin(person))

    async def turn_on(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        secret = await self.second_factors.begun(person)
        if secret is None:
            return go("../../me")
        try:
            codes = await self.second_factors.turn_on(person, form.get("code", ""))
        except CodeRefused as refused:
            return self._enrolment(request, person, secret, refused.message)
        return page("recovery_codes.html", codes=codes)

    async def turn_off(self, request: Request, person: Person) -> Response:
        form = await self.sessions.own_form(request)
        await self.second_factors.turn_off(person, form.get("code", ""), client_of(request))
        return go("../../me")

    def _enrolment(self, request: Request, person: Person, secret: str, note: str = "") -> Response:
        import segno  # noqa: PLC0415 (few pages show a QR code)

        uri = enrolment_uri(secret, person.email, self.host)
        picture = segno.make(uri, error="m").svg_inline(scale=5, light="white", border=4)
        form_token = self.sessions.form_token(request)
        shown = {"picture": picture, "secret": secret, "note": note, "up": up(request)}
        return page("second_factor.html", 400 if note else 200, form_token=form_token, **shown)


async def require_password(
    signing_in: SignIn, request: Request, person: Person, form: Mapping[str, str]
) -> None:
    """Raises PersonInvalid unless the form has the present password, and TooManyTries.

    Whoever finds an open browser does not know the password, and may not guess it here either.
    """
    try:
        await signing_in.with_password(person.email, form.get("present", ""), client_of(request))
    except SignInRefused:
        raise PersonInvalid("The present password is wrong.", help="Nothing was changed.") from None
