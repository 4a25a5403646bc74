"""What a key may do at all, so that an agent is shown no tools that it can never use."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from moorage.access import Reach
from moorage.connections.model import Connection, Filters
from moorage.keys.model import Principal
from moorage.policies import Guard, Kind
from moorage.policies.model import KINDS

APP = "zoho-crm"
_LOOKED_AT = 100  # Connections. A key with more sees all tools.


class Connections(Protocol):
    async def search(
        self, account_id: str, filters: Filters, *, limit: int | None, reach: Reach
    ) -> Sequence[Connection]: ...
    async def get(self, account_id: str, name: str, reach: Reach) -> Connection: ...


class Guards(Protocol):
    async def guard_of(self, principal: Principal, connection: Connection) -> Guard | None: ...


class Rights:
    def __init__(self, connections: Connections, guards: Guards) -> None:
        self._connections = connections
        self._guards = guards

    async def kinds(self, principal: Principal, account: str | None) -> Collection[Kind]:
        """The kinds of calls that a key may make, or ask a person for: through this account, or through any.

        Raises the errors of `Connections.get` for an account that the key does not see.
        """
        if account is not None:
            connections = [await self._connections.get(principal.account_id, account, principal.reach)]
        else:
            filters = Filters(app=APP, status="ACTIVE")
            connections = [
                *await self._connections.search(
                    principal.account_id, filters, limit=_LOOKED_AT + 1, reach=principal.reach
                )
            ]
        if not connections or len(connections) > _LOOKED_AT:
            return _by_scopes(principal)
        guards = [await self._guards.guard_of(principal, connection) for connection in connections]
        return [kind for kind in KINDS if any(guard is None or guard.may_ever(kind) for guard in guards)]

    async def organisations(self, principal: Principal) -> Mapping[str, Sequence[str]]:
        """The organisations of the embedded CRM to which connections lead that a key sees: their slugs, each with the
        names of these connections.
        """
        filters = Filters(app=APP, status="ACTIVE", environment="embedded")
        found: dict[str, list[str]] = {}
        for connection in await self._connections.search(
            principal.account_id, filters, limit=None, reach=principal.reach
        ):
            if connection.upstream is not None and connection.upstream.organisation is not None:
                names = found.setdefault(connection.upstream.organisation, [])
                names.append(connection.labels.alias or connection.id)
        return found


def _by_scopes(principal: Principal) -> Collection[Kind]:
    return KINDS if any(grant.writes for grant in principal.scopes.grants) else KINDS[:1]
