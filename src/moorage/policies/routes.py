"""The control API of policies."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Reach
from moorage.connections.model import Connection
from moorage.http.control import json_object, json_response, route
from moorage.keys.model import Principal
from moorage.policies.documents import policy_document
from moorage.policies.service import DEFAULTS, Policies
from moorage.policies.strictness import EVERY, PolicySet
from moorage.policies.trial import KNOWN, TRY_EXAMPLE, trial_of

_EXAMPLE = '{"mode": "cautious"}'
_KEYS = ("mode", "rules", "budgets", "needs_name")


class Authenticate(Protocol):
    """As `http.control.Authenticate`, but returns the principal of an API key."""

    async def __call__(self, request: Request, scope: str, *parameters: str) -> Principal: ...


class Connections(Protocol):
    async def get(self, account_id: str, name: str, reach: Reach) -> Connection: ...
    async def choose(self, account_id: str, app: str, name: str | None, reach: Reach) -> Connection: ...


def routes(
    policies: Policies,
    principal_of: Callable[[str, str], Awaitable[Principal]],
    connections: Connections,
    authenticate: Authenticate,
    on_change: Callable[[], None],
) -> list[Route]:
    """The routes of policies.

    `principal_of` takes the ids of an account and of a key. `on_change` is called after a policy has changed.
    """
    endpoints = _PolicyEndpoints(policies, principal_of, connections, authenticate, on_change)
    return [
        route("/keys/{key_id}/policy", GET=endpoints.get, PUT=endpoints.put, DELETE=endpoints.delete),
        route("/policies/try", POST=endpoints.attempt),
    ]


class _PolicyEndpoints:
    def __init__(
        self,
        policies: Policies,
        principal_of: Callable[[str, str], Awaitable[Principal]],
        connections: Connections,
        authenticate: Authenticate,
        on_change: Callable[[], None],
    ) -> None:
        self._policies = policies
        self._principal_of = principal_of
        self._connections = connections
        self._authenticate = authenticate
        self._on_change = on_change

    async def get(self, request: Request) -> Response:
        caller, key_id, connection = await self._asked(request, "policies:read")
        return json_response(await self._document(caller, key_id, connection))

    async def put(self, request: Request) -> Response:
        caller, key_id, connection = await self._asked(request, "policies:write")
        body = await json_object(request, _EXAMPLE, known=_KEYS)
        await self._policies.put(caller.account_id, key_id, _id_of(connection), body, caller)
        self._on_change()
        return json_response(await self._document(caller, key_id, connection))

    async def delete(self, request: Request) -> Response:
        caller, key_id, connection = await self._asked(request, "policies:write")
        await self._policies.delete(caller.account_id, key_id, _id_of(connection), caller)
        self._on_change()
        return json_response(await self._document(caller, key_id, connection))

    async def attempt(self, request: Request) -> Response:
        caller = await self._authenticate(request, "policies:read")
        trial = trial_of(await json_object(request, TRY_EXAMPLE, known=KNOWN))
        account = caller.account_id
        principal = caller if trial.key is None else await self._key(account, trial.key)
        reach = caller.reach if trial.key is None else principal.reach
        connection = await self._connections.choose(account, trial.app, trial.connection, reach)
        policy = None if trial.policy is None else self._policies.parsed(trial.policy)
        guard = await self._policies.guard_for(principal, connection, policy)
        shown = self._policies.shown((await self._policies.of_key(account, principal.key_id))[1], connection)
        source = shown.source if policy is None else "tried"
        return json_response(
            {**trial.document(guard, self._policies.spent), "source": source, **_named(connection)}
        )

    async def _key(self, account_id: str, key_id: str) -> Principal:
        """Raises KeyUnknown, and KeyInvalid for a key that has ended."""
        key, _ = await self._policies.of_key(account_id, key_id)
        return await self._principal_of(account_id, key.id)

    async def _asked(self, request: Request, scope: str) -> tuple[Principal, str, Connection | None]:
        """The caller, the id of the key, and the connection that is asked about."""
        caller = await self._authenticate(request, scope, "connection")
        name = request.query_params.get("connection")
        connection = (
            None if name is None else await self._connections.get(caller.account_id, name, caller.reach)
        )
        return caller, request.path_params["key_id"], connection

    async def _document(
        self, caller: Principal, key_id: str, connection: Connection | None
    ) -> dict[str, Any]:
        _, policies = await self._policies.of_key(caller.account_id, key_id)
        if connection is None:
            return {"key_id": key_id, **_of_all(policies)}
        shown = self._policies.shown(policies, connection)
        document = policy_document(shown.policy)
        return {"key_id": key_id, **_named(connection), "policy": document, "source": shown.source}


def _id_of(connection: Connection | None) -> str | None:
    return None if connection is None else connection.id


def _named(connection: Connection) -> Mapping[str, str]:
    return {"connection_id": connection.id}


def _of_all(policies: PolicySet) -> Mapping[str, Any]:
    """The policy for all connections, and those of single ones. Without the first, the environment decides."""
    documents = {slot: policy_document(held.policy) for slot, held in policies.of.items()}
    return {
        "policy": documents.pop(EVERY, None),
        "connections": documents,
        "defaults": {environment: policy.mode for environment, policy in DEFAULTS.items()},
    }
