"""`/me`: the API with which people see and change what is their own, in the console.

The console sends the browser's cookie on, so that the session of this browser is known, and is a new one after a new
password.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import json_object, json_response, route
from moorage.http.timestamps import wire_time_of
from moorage.people.errors import PersonInvalid, SignInRefused
from moorage.people.model import MEANINGS, Person, person_document
from moorage.people.passwords import SHORTEST_PASSWORD
from moorage.people.persons import Persons
from moorage.people.second_factor import SecondFactors
from moorage.people.service import People
from moorage.people.sessions import PersonSessions, client_of
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
    own = _Own(people, sign_in, sessions, persons)
    factor = _OwnSecondFactor(sign_in, second_factors, persons, urlsplit(base_url).netloc)
    return [
        route(PATH, GET=or_console(own.show), PATCH=own.rename),
        route(f"{PATH}/password", POST=own.change_password),
        route(f"{PATH}/sessions/{{session_id}}", DELETE=own.end_session),
        route(f"{PATH}/second-factor", GET=or_console(factor.show), POST=factor.begin),
        route(f"{PATH}/second-factor/on", POST=factor.turn_on),
        route(f"{PATH}/second-factor/off", POST=factor.turn_off),
    ]


class _Own(msgspec.Struct, frozen=True):
    people: People
    signing_in: SignIn
    sessions: PersonSessions
    persons: Persons

    async def show(self, request: Request) -> Response:
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

    async def rename(self, request: Request) -> Response:
        person = await self.persons(request, None)
        texts = await _texts(request, ("name",))
        return json_response({"person": person_document(await self.people.rename(person, texts["name"]))})

    async def change_password(self, request: Request) -> Response:
        """The answer has the cookie of a new session."""
        person = await self.persons(request, None)
        texts = await _texts(request, ("present", "password", "repeated", "email"))
        if not person.enters_here:
            await require_password(self.signing_in, request, person, texts["present"])
        email = texts["email"] if person.enters_here else None
        changed = await self.people.change_password(person, texts["password"], texts["repeated"], email)
        answer = json_response({"person": person_document(changed)})
        await self.sessions.begin(changed, request, answer)
        return answer

    async def end_session(self, request: Request) -> Response:
        person = await self.persons(request, None)
        await self.sessions.end_one(person, str(request.path_params["session_id"]))
        return json_response({})


class _OwnSecondFactor(msgspec.Struct, frozen=True):
    """`host` is the name of this server in the apps on phones."""

    signing_in: SignIn
    second_factors: SecondFactors
    persons: Persons
    host: str

    async def show(self, request: Request) -> Response:
        """What a phone needs, as long as codes are being set up."""
        person = await self.persons(request, None)
        return self._enrolment(person, await self.second_factors.begun(person))

    async def begin(self, request: Request) -> Response:
        person = await self.persons(request, None)
        texts = await _texts(request, ("present",))
        await require_password(self.signing_in, request, person, texts["present"])
        return self._enrolment(
            person, None if person.has_second_factor else await self.second_factors.begin(person)
        )

    async def turn_on(self, request: Request) -> Response:
        person = await self.persons(request, None)
        texts = await _texts(request, ("code",))
        return json_response({"recovery_codes": await self.second_factors.turn_on(person, texts["code"])})

    async def turn_off(self, request: Request) -> Response:
        person = await self.persons(request, None)
        texts = await _texts(request, ("code",))
        await self.second_factors.turn_off(person, texts["code"], client_of(request))
        return json_response({})

    def _enrolment(self, person: Person, secret: str | None) -> Response:
        enrolment = secret and {"secret": secret, "uri": enrolment_uri(secret, person.email, self.host)}
        return json_response({"enrolment": enrolment})


async def require_password(signing_in: SignIn, request: Request, person: Person, present: str) -> None:
    """Raises PersonInvalid unless this is the present password, and TooManyTries.

    Whoever finds an open browser does not know the password, and may not guess it here either.
    """
    try:
        await signing_in.with_password(person.email, present, client_of(request))
    except SignInRefused:
        raise PersonInvalid("The present password is wrong.", help="Nothing was changed.") from None


async def _texts(request: Request, names: Collection[str]) -> Mapping[str, str]:
    """The members of the body; those that are missing are empty. Raises BodyInvalid, PersonInvalid."""
    body = await json_object(request, '{"name": "Ada"}', known=names)
    for name, value in body.items():
        if not isinstance(value, str):
            raise PersonInvalid(f"{name} has to be a text.", help="Send it in quotes.")
    return {name: body.get(name, "") for name in names}
