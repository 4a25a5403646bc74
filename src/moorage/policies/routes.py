"""The control API of policies."""

from collections.abc import Callable
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.connections.model import Connection
from moorage.http.control import json_object, json_response, route
from moorage.keys.model import Principal
from moorage.policies.service import Policies
from moorage.policies.trial import KNOWN, TRY_EXAMPLE, Connections, Trials

_EXAMPLE = '{"mode": "cautious"}'
_KNOWN = ("mode", "rules", "budgets", "needs_name")


class Authenticate(Protocol):
    """As `http.control.Authenticate`, but returns the principal of an API key."""

    async def __call__(self, request: Request, scope: str, *parameters: str) -> Principal: ...


def routes(
    policies: Policies,
    trials: Trials,
    connections: Connections,
    authenticate: Authenticate,
    on_change: Callable[[], None],
) -> list[Route]:
    """The routes of policies. `on_change` is called after a policy has changed."""
    endpoints = _PolicyEndpoints(policies, trials, connections, authenticate, on_change)
    return [
        route("/keys/{key_id}/policy", GET=endpoints.get, PUT=endpoints.put, DELETE=endpoints.delete),
        route("/policies/try", POST=endpoints.attempt),
    ]


class _PolicyEndpoints(msgspec.Struct, frozen=True):
    policies: Policies
    trials: Trials
    connections: Connections
    authenticate: Authenticate
    on_change: Callable[[], None]

    async def get(self, request: Request) -> Response:
        caller, key_id, connection = await self._asked(request, "policies:read")
        return json_response(await self.policies.document(caller.account_id, key_id, connection))

    async def put(self, request: Request) -> Response:
        caller, key_id, connection = await self._asked(request, "policies:write")
        body = await json_object(request, _EXAMPLE, known=_KNOWN)
        await self.policies.put(caller.account_id, key_id, connection, body, caller)
        self.on_change()
        return json_response(await self.policies.document(caller.account_id, key_id, connection))

    async def delete(self, request: Request) -> Response:
        caller, key_id, connection = await self._asked(request, "policies:write")
        await self.policies.delete(caller.account_id, key_id, connection, caller)
        self.on_change()
        return json_response(await self.policies.document(caller.account_id, key_id, connection))

    async def attempt(self, request: Request) -> Response:
        caller = await self.authenticate(request, "policies:read")
        described = await json_object(request, TRY_EXAMPLE, known=KNOWN)
        return json_response(await self.trials.attempt(caller.account_id, described, caller))

    async def _asked(self, request: Request, scope: str) -> tuple[Principal, str, Connection | None]:
        """The caller, the id of the key, and the connection that is asked about."""
        caller = await self.authenticate(request, scope, "connection")
        name = request.query_params.get("connection")
        if name is None:
            return caller, request.path_params["key_id"], None
        connection = await self.connections.get(caller.account_id, name, caller.reach)
        return caller, request.path_params["key_id"], connection
