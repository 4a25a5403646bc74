"""Tools for the caller, its connections, and the apps that it could connect."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from moorage.mcp.errors import ToolFailed
from moorage.mcp.maton.asked import Asked, Pattern, connection_of, reaches
from moorage.mcp.maton.told import telling
from moorage.mcp.session import Session, segments
from moorage.mcp.tool import Tool

_Id = Annotated[str, Meta(description="Id or alias of the connection", max_length=200)]
_App = Annotated[str, Meta(description="Name of the app, such as zoho-crm", max_length=64)]


# `connection_id` is another name for `id`, as answers have both.
class AskedConnection(Asked, kw_only=True):
    id: _Id | None = None
    connection_id: _Id | None = None

    @property
    def named(self) -> str | None:
        return self.id or self.connection_id


class AskedConnections(Asked, kw_only=True):
    app: _App | None = None
    status: Literal["ACTIVE", "PENDING", "FAILED"] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 30
    cursor: Annotated[str, Meta(description="That of the list before", max_length=500)] | None = None


class AskedNew(Asked, kw_only=True):
    app: _App
    method: (
        Annotated[str, Meta(description="Such as OAUTH2; the app's own if left out", max_length=20)] | None
    ) = None


class AskedApps(Asked, kw_only=True):
    pattern: Pattern | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 30


async def whoami(session: Session, _asked: Asked) -> Any:
    principal = session.principal
    return {
        "id": principal.account_id,
        "name": principal.name,
        "key_id": principal.key_id,
        "mode": principal.mode,
        "scopes": principal.scopes.texts(),
        "may": list(await session.kinds()),
    }


async def list_connections(session: Session, asked: AskedConnections) -> Any:
    filters = {"app": asked.app, "status": asked.status, "limit": asked.limit, "cursor": asked.cursor}
    query = {name: value for name, value in filters.items() if value is not None}
    page = (await session.control("GET", "/connections", query=query)).document
    connections = [_shown(connection) for connection in page["connections"]]
    return {"connections": connections, "cursor": page.get("next_cursor")}


async def get_connection(session: Session, asked: AskedConnection) -> Any:
    name = asked.named or connection_of(session, asked)
    if name is None:
        raise ToolFailed("get_connection needs an id.", step="list_connections shows the ids.")
    answer = await session.control("GET", segments("connections", name))
    return {"connection": _shown(answer.document["connection"])}


async def create_connection(session: Session, asked: AskedNew) -> Any:
    body = {"app": asked.app} if asked.method is None else {"app": asked.app, "method": asked.method}
    answer = await session.control("POST", "/connections", body=body)
    return {"connection": _shown(answer.document["connection"])}


async def delete_connection(session: Session, asked: AskedConnection) -> Any:
    """Only a connection that is named for this: the one that a toolkit adds to every call is not meant."""
    if asked.named is None:
        raise ToolFailed("delete_connection needs an id.", step="list_connections shows the ids.")
    answer = await session.control("DELETE", segments("connections", asked.named))
    return answer.document


async def search_apps(session: Session, asked: AskedApps) -> Any:
    answer = await session.control("GET", "/apps")
    fitting = [
        {name: app[name] for name in ("app", "title", "method", "connectable")}
        for app in answer.document["apps"]
        if reaches(session, app["app"]) and _fits(f"{app['app']} {app['title']}", asked.pattern or "")
    ]
    return {"apps": fitting[: asked.limit], "total": len(fitting)}


def _fits(text: str, pattern: str) -> bool:
    folded = text.casefold()
    return any(all(word in folded for word in part.split()) for part in pattern.casefold().split("|"))


def _shown(connection: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document of a connection. Its page is for connecting: with it, a person could change an active one."""
    if connection["status"] != "ACTIVE":
        return connection
    return {name: value for name, value in connection.items() if name != "url"}


WHOAMI = Tool(
    "whoami", "Who am I", "Show the key that you use, and what it may do.", Asked, None, telling(whoami)
)
LIST_CONNECTIONS = Tool(
    "list_connections",
    "List connections",
    "List the connections that you may use: their ids, apps, status, aliases.",
    AskedConnections,
    None,
    telling(list_connections),
    scope="connections:read",
)
GET_CONNECTION = Tool(
    "get_connection",
    "Get a connection",
    "Show one connection, for example whether it is ACTIVE by now.",
    AskedConnection,
    None,
    telling(get_connection),
    scope="connections:read",
)
CREATE_CONNECTION = Tool(
    "create_connection",
    "Create a connection",
    "Create a connection to an app. Give a person its `url`, to sign in there; then it becomes ACTIVE.",
    AskedNew,
    None,
    telling(create_connection),
    kind="write",
    scope="connections:write",
    is_open=True,
)
DELETE_CONNECTION = Tool(
    "delete_connection",
    "Delete a connection",
    "Delete a connection for good, with its tokens. Ask a person first.",
    AskedConnection,
    None,
    telling(delete_connection),
    kind="destructive",
    scope="connections:write",
)
SEARCH_APPS = Tool(
    "search_apps",
    "Search apps",
    "Find apps by words in their names; all without a pattern.",
    AskedApps,
    None,
    telling(search_apps),
    scope="connections:read",
)
