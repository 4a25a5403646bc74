"""`/grants`: the programs that people let act, for the console, where each can be ended. No API key sees them."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moorage.grants.consent import GIVE
from moorage.grants.model import Grant, grant_document
from moorage.grants.service import Grants
from moorage.http.control import json_response
from moorage.http.timestamps import wire_time
from moorage.keys.model import ApiKey
from moorage.people.persons import Persons


class Programs(msgspec.Struct, frozen=True):
    grants: Grants
    persons: Persons

    async def search(self, request: Request) -> Response:
        person = await self.persons(request, GIVE)
        grants = await self.grants.of_person(person)
        return json_response({"grants": [_document(grant, key) for grant, key in grants]})

    async def end(self, request: Request) -> Response:
        person, grant_id = await self.persons(request, GIVE), str(request.path_params["grant_id"])
        await self.grants.end_one(person, grant_id)
        return json_response({"id": grant_id})


def _document(grant: Grant, key: ApiKey) -> dict[str, Any]:
    return {
        **grant_document(grant),
        "key_id": key.id,
        "created_at": wire_time(key.created_at),
        "expires_at": key.expires_at and wire_time(key.expires_at),
    }
