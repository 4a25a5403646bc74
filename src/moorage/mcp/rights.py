"""What a key may do at all, so that an agent is shown no tools that it can never use."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from moorage.access import Reach
from moorage.connections.errors import ConnectionUnknown
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
    async def get(self, account_id: str, name: str, reach: Reach, app: str | None = None) -> Connection: ...


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
        connections = await (self._usable(principal) if account is None else self._named(principal, account))
        if not principal.scopes.grants:
            return ()
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

    async def _named(self, principal: Principal, account: str) -> Sequence[Connection]:
        """The account of the path, which is one of the app that the tools are for."""
        connection = await self._connections.get(principal.account_id, account, principal.reach, APP)
        if connection.app != APP:
            raise ConnectionUnknown(account)
        return [connection]

    async def _usable(self, principal: Principal) -> Sequence[Connection]:
        """The accounts that are connected. If none is, those that may be so again."""
        for status in ("ACTIVE", None):
            filters = Filters(app=APP, status=status)
            found = await self._connections.search(
                principal.account_id, filters, limit=_LOOKED_AT + 1, reach=principal.reach
            )
            if found:
                return found
        return []


def _by_scopes(principal: Principal) -> Collection[Kind]:
    return KINDS if any(grant.writes for grant in principal.scopes.grants) else KINDS[:1]
