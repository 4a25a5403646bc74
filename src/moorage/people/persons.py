"""Calls of the API that only a person may make, in the console. No API key makes them, whatever its scopes."""

from typing import Protocol

import msgspec
from starlette.requests import Request

from moorage.keys.model import Principal
from moorage.people.errors import PersonNeeded
from moorage.people.model import Permission, Person
from moorage.people.service import People


class Authenticate(Protocol):
    """As `http.control.Authenticate`. Without a scope, any valid caller may make the call."""

    async def __call__(self, request: Request, scope: str | None, *parameters: str) -> Principal: ...


class Persons(msgspec.Struct, frozen=True):
    """Recognises the person who makes a call. The console sends it, and has made sure that they are signed in."""

    people: People
    authenticate: Authenticate

    async def __call__(self, request: Request, permission: Permission | None, *parameters: str) -> Person:
        """The person, with the role that they have now.

        Raises PersonNeeded for an API key, PersonUnknown for somebody who was removed meanwhile, PermissionMissing.
        """
        caller = await self.authenticate(request, None, *parameters)
        if caller.kind != "person":
            raise PersonNeeded
        person = await self.people.get(caller.account_id, caller.key_id)
        if permission is not None:
            person.require(permission)
        return person
