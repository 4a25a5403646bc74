"""`/people`: the API with which owners invite people, change what they may do, and remove them, in the console."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import json_object, json_response, route
from moorage.people.errors import PersonInvalid
from moorage.people.model import Person, person_document, read_role, welcome_url
from moorage.people.persons import Persons
from moorage.people.service import People
from moorage.web.leading import or_console

PATH = "/people"
_INVITE_EXAMPLE = '{"email": "ada@example.com", "name": "Ada", "role": "approver"}'
_ROLE_EXAMPLE = '{"role": "approver"}'


def routes(people: People, persons: Persons, base_url: str) -> list[Route]:
    """`base_url` is that of the gateway for people, for links."""
    api = _Managing(people, persons, base_url)
    return [
        route(PATH, GET=or_console(api.search), POST=api.invite),
        route(f"{PATH}/{{person_id}}", GET=or_console(api.get), PATCH=api.change_role, DELETE=api.remove),
        route(f"{PATH}/{{person_id}}/reset", POST=api.reset),
        route(f"{PATH}/{{person_id}}/sign-out", POST=api.sign_out),
    ]


class _Managing(msgspec.Struct, frozen=True):
    people: People
    persons: Persons
    base_url: str

    async def search(self, request: Request) -> Response:
        owner = await self._owner(request)
        everybody = await self.people.list(owner.account_id)
        return json_response({"people": [person_document(person) for person in everybody]})

    async def get(self, request: Request) -> Response:
        owner = await self._owner(request)
        return _answer(await self.people.get(owner.account_id, _id(request)))

    async def invite(self, request: Request) -> Response:
        owner = await self._owner(request)
        body = await json_object(request, _INVITE_EXAMPLE, known=("email", "name", "role"))
        email, name = _text(body, "email"), _text(body, "name") or _text(body, "email")
        role = read_role(_text(body, "role"))
        return self._linked(*await self.people.invite(owner.account_id, email, name, role))

    async def change_role(self, request: Request) -> Response:
        owner = await self._owner(request)
        body = await json_object(request, _ROLE_EXAMPLE, known=("role",))
        role = read_role(_text(body, "role"))
        return _answer(await self.people.change_role(owner.account_id, _id(request), role))

    async def reset(self, request: Request) -> Response:
        owner = await self._owner(request)
        return self._linked(*await self.people.reset(owner.account_id, _id(request)))

    async def sign_out(self, request: Request) -> Response:
        owner = await self._owner(request)
        return _answer(await self.people.end_sessions(owner.account_id, _id(request)))

    async def remove(self, request: Request) -> Response:
        owner = await self._owner(request)
        return _answer(await self.people.remove(owner.account_id, _id(request)))

    async def _owner(self, request: Request) -> Person:
        """Raises PersonNeeded, PermissionMissing."""
        return await self.persons(request, "people:write")

    def _linked(self, person: Person, token: str) -> Response:
        document = {"person": person_document(person), "link": welcome_url(self.base_url, token)}
        return json_response(document)


def _answer(person: Person) -> Response:
    return json_response({"person": person_document(person)})


def _id(request: Request) -> str:
    return str(request.path_params["person_id"])


def _text(body: Mapping[str, Any], name: str) -> str:
    """Raises PersonInvalid."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise PersonInvalid(f"{name} has to be a text.", help=f"Send {_INVITE_EXAMPLE}.")
    return value
