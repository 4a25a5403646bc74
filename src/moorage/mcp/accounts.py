"""The accounts that a key can use, for agents. It tells nothing that a call through them would not tell."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from moorage.access import Reach
from moorage.connections.model import Connection, Filters, Place
from moorage.connections.reading import cursor_of, place_in
from moorage.keys.model import Principal
from moorage.mcp.rights import Guards

PAGE = 50
_READ = "connections:read"


class Account(msgspec.Struct, frozen=True):
    """A connection as an agent sees it. `name` is its alias, or else its id.

    `next` is what helps if its calls do not go through. `mode` is that of the key's policy for it.
    """

    name: str
    app: str
    organisation: str | None
    user: str | None
    environment: str | None
    status: str
    health: str
    next: str | None
    mode: str
    is_default: bool


class Connections(Protocol):
    async def search(
        self,
        account_id: str,
        filters: Filters,
        *,
        limit: int | None,
        reach: Reach,
        after: Place | None = None,
    ) -> Sequence[Connection]: ...
    async def get(self, account_id: str, name: str, reach: Reach, app: str | None = None) -> Connection: ...
    async def documents(
        self, listed: Sequence[Connection], *, reach: Reach, with_url: bool
    ) -> Sequence[Mapping[str, Any]]: ...


class Accounts:
    """All methods raise the errors of `Connections.get` for an account that the key does not see."""

    def __init__(self, connections: Connections, guards: Guards) -> None:
        self._connections = connections
        self._guards = guards

    async def page(
        self, principal: Principal, app: str | None, cursor: str | None
    ) -> tuple[list[Account], str | None]:
        """Accounts, the oldest first, and the cursor of the next page; None after the last."""
        if not principal.scopes.grants and not principal.may(_READ):
            return [], None  # The key can use none, and may not look at those that others use.
        found = await self._connections.search(
            principal.account_id,
            Filters(app=app),
            limit=PAGE + 1,
            reach=principal.reach,
            after=place_in(cursor),
        )
        shown = found[:PAGE]
        following = cursor_of(shown[-1]) if len(found) > PAGE else None
        return await self._told(principal, shown), following

    async def one(self, principal: Principal, name: str, app: str | None = None) -> Account:
        """The account with this id or alias; with `app`, an alias is one of that app."""
        [account] = await self._told(principal, [await self._get(principal, name, app)])
        return account

    async def app_of(self, principal: Principal, name: str) -> str:
        return (await self._get(principal, name)).app

    async def _get(self, principal: Principal, name: str, app: str | None = None) -> Connection:
        return await self._connections.get(principal.account_id, name, principal.reach, app)

    async def _told(self, principal: Principal, connections: Sequence[Connection]) -> list[Account]:
        documents = await self._connections.documents(connections, reach=principal.reach, with_url=False)
        return [
            _account(document, await self._mode(principal, connection))
            for connection, document in zip(connections, documents, strict=True)
        ]

    async def _mode(self, principal: Principal, connection: Connection) -> str:
        guard = await self._guards.guard_of(principal, connection)
        if guard is None:
            return "open"
        return "readonly" if guard.reads_only else guard.policy.mode


def _account(document: Mapping[str, Any], mode: str) -> Account:
    metadata, health = document["metadata"], document["health"]
    return Account(
        name=document["alias"] or document["id"],
        app=document["app"],
        organisation=_text(metadata.get("organisation")),
        user=_text(metadata.get("user")),
        environment=document["environment"],
        status=document["status"],
        health=health["status"] if health["status"] == "ok" else f"{health['status']}: {health['reason']}",
        next=health["next"],
        mode=mode,
        is_default=document["default"],
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
