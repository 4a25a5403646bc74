"""The control API of connections."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Principal
from moorage.connections.embedded import EmbeddedConnector
from moorage.connections.errors import AppUnsupported, StatusUnknown
from moorage.connections.model import STATUSES, Connection
from moorage.connections.service import Connections
from moorage.http.control import Authenticate, Endpoint, json_object, json_response, route
from moorage.http.errors import AppUnknown, BodyInvalid, ParameterInvalid

MAX_RESULTS = 1000
_EXAMPLE = '{"app": "zoho-crm"}'
_INSIDE_EXAMPLE = '{"app": "zoho-crm", "organisation": "acme"}'
_DEFAULT_EXAMPLE = '{"connection_id": "e55c5bac-241a-4cc8-9db5-50d2cad09136"}'
METHODS = ("API_KEY", "BASIC", "JWT", "OAUTH1", "OAUTH2", "MCP")


class Disconnected(Protocol):
    """The deleted connection, whether the app has revoked its tokens, and advice for the person."""

    @property
    def connection(self) -> Connection: ...
    @property
    def revocation(self) -> str: ...
    @property
    def advice(self) -> str: ...


def routes(
    connections: Connections,
    authenticate: Authenticate,
    apps: Callable[[], Mapping[str, str]],
    disconnect: Callable[[str, str], Awaitable[Disconnected]],
    inside: EmbeddedConnector,
) -> list[Route]:
    """The routes of connections.

    `apps` returns the method of connecting for each app. `disconnect` deletes an account's connection and all data that
    belongs to it. `inside` connects to the embedded CRM.
    """
    search = _search(connections, authenticate, apps)
    create = _create(connections, authenticate, apps, inside)
    get, delete = _get(connections, authenticate), _delete(connections, authenticate, disconnect)
    return [
        route("/connections", GET=search, POST=create),
        route("/connections/{connection_id}", GET=get, DELETE=delete),
    ]


async def _documents(
    connections: Connections, caller: Principal, listed: Sequence[Connection]
) -> list[dict[str, Any]]:
    # With the url a person can change the destination of the connection. A caller that may only read does not get it.
    with_url = caller.may("connections:write")
    apps = {connection.app for connection in listed}
    defaults = await connections.defaults(caller.account_id, apps, caller.reach)
    return [
        connections.document(connection, default=connection.id in defaults, with_url=with_url)
        for connection in listed
    ]


def _search(
    connections: Connections, authenticate: Authenticate, apps: Callable[[], Collection[str]]
) -> Endpoint:
    async def search(request: Request) -> Response:
        caller = await authenticate(request, "connections:read", "app", "status", "method", "limit")
        filters = _filters(request.query_params, apps())
        limit = _limit(request.query_params.get("limit") or None)
        listed = await connections.search(caller.account_id, **filters, limit=limit, reach=caller.reach)
        return json_response({"connections": await _documents(connections, caller, listed)})

    return search


def _create(
    connections: Connections,
    authenticate: Authenticate,
    apps: Callable[[], Mapping[str, str]],
    inside: EmbeddedConnector,
) -> Endpoint:
    async def create(request: Request) -> Response:
        caller = await authenticate(request, "connections:write")
        body = await json_object(request, _EXAMPLE, known=("app", "method", "embedded", "organisation"))
        app, method = _app_and_method(body, apps())
        caller.require_app(app)
        organisation = _organisation(body)
        if organisation is not None:
            # A caller that may change and delete organisations needs no person's consent to connect to them.
            caller.require("organisations:write")
            await inside.require(app, organisation)
        connection = await connections.create(
            caller.account_id, app, method, asked_by=caller.name, embedded=_flag(body, "embedded")
        )
        if organisation is not None:
            await inside.connect(connection, organisation)
            connection = await connections.get(caller.account_id, connection.id, caller.reach)
        [document] = await _documents(connections, caller, [connection])
        return json_response({"connection": document})

    return create


def _get(connections: Connections, authenticate: Authenticate) -> Endpoint:
    async def get(request: Request) -> Response:
        caller = await authenticate(request, "connections:read")
        connection_id = request.path_params["connection_id"]
        connection = await connections.get(caller.account_id, connection_id, caller.reach)
        [document] = await _documents(connections, caller, [connection])
        return json_response({"connection": document})

    return get


def _delete(
    connections: Connections,
    authenticate: Authenticate,
    disconnect: Callable[[str, str], Awaitable[Disconnected]],
) -> Endpoint:
    async def delete(request: Request) -> Response:
        caller = await authenticate(request, "connections:write")
        connection_id = request.path_params["connection_id"]
        connection = await connections.get(caller.account_id, connection_id, caller.reach)
        disconnected = await disconnect(caller.account_id, connection.id)
        revocation = {"status": disconnected.revocation, "message": disconnected.advice}
        return json_response({"connection_id": connection.id, "deleted": True, "revocation": revocation})

    return delete


def default_routes(
    connections: Connections,
    authenticate: Authenticate,
    apps: Callable[[], Collection[str]],
    on_change: Callable[[], None],
) -> list[Route]:
    """The routes of default connections. `on_change` is called after a default has changed."""

    async def authenticate_change(request: Request) -> tuple[Principal, str]:
        """The caller and the app. The caller has to have the right to choose for all callers of the app."""
        caller = await authenticate(request, "connections:write")
        app = _app_of(request, apps())
        caller.require_app(app)
        caller.require_live("choose the connection that live keys use")
        return caller, app

    async def respond(caller: Principal, app: str) -> Response:
        default = await connections.default(caller.account_id, app, caller.reach)
        return json_response({"default": asdict(default)})

    async def get(request: Request) -> Response:
        caller = await authenticate(request, "connections:read")
        return await respond(caller, _app_of(request, apps()))

    async def choose(request: Request) -> Response:
        caller, app = await authenticate_change(request)
        body = await json_object(request, _DEFAULT_EXAMPLE, known=("connection_id",))
        await connections.use(caller.account_id, app, _connection_id(body), caller.reach)
        on_change()
        return await respond(caller, app)

    async def forget(request: Request) -> Response:
        caller, app = await authenticate_change(request)
        await connections.use_none(caller.account_id, app)
        on_change()
        return await respond(caller, app)

    return [route("/apps/{app}/default", GET=get, PUT=choose, DELETE=forget)]


def _app_of(request: Request, apps: Collection[str]) -> str:
    """The app that the path names. Raises AppUnknown."""
    app = str(request.path_params["app"])
    if app not in apps:
        raise AppUnknown(f"There is no app {app[:64]!r}.", help=f"Known apps: {', '.join(sorted(apps))}.")
    return app


def _connection_id(body: Mapping[str, Any]) -> str:
    """The id of the connection that becomes the default. Raises BodyInvalid."""
    connection_id = body.get("connection_id")
    if not isinstance(connection_id, str):
        raise BodyInvalid("The body has no connection_id that is a text.", help=f"Send {_DEFAULT_EXAMPLE}.")
    return connection_id


def _filters(query: Mapping[str, str], apps: Collection[str]) -> dict[str, str | None]:
    """The filters in the query: app, status and method. Raises AppUnsupported, StatusUnknown, ParameterInvalid."""
    filters = {name: query.get(name) or None for name in ("app", "status", "method")}
    if filters["app"] is not None:
        _require_app(filters["app"], apps)
    if filters["status"] is not None and filters["status"] not in STATUSES:
        raise StatusUnknown(filters["status"])
    if filters["method"] is not None and filters["method"] not in METHODS:
        raise ParameterInvalid(
            f"There is no method {filters['method'][:64]!r}.", help=f"Use one of {', '.join(METHODS)}."
        )
    return filters


def _app_and_method(body: Mapping[str, Any], apps: Mapping[str, str]) -> tuple[str, str]:
    """The app, and the method by which it is connected. Raises BodyInvalid, AppUnsupported."""
    app, method = body.get("app"), body.get("method")
    if not isinstance(app, str):
        raise BodyInvalid("The body has no app that is a text.", help=f"Send {_EXAMPLE}.")
    _require_app(app, apps)
    app_method = apps[app]
    if method is not None and method != app_method:
        raise BodyInvalid(
            f"The method of {app} has to be {app_method}.", help=f"Leave method out, or send {app_method}."
        )
    return app, app_method


def _organisation(body: Mapping[str, Any]) -> str | None:
    """The organisation to connect to at once, or None. Raises BodyInvalid unless it is a text."""
    slug = body.get("organisation")
    if slug is not None and not isinstance(slug, str):
        raise BodyInvalid(
            "organisation has to be the short name of an organisation.", help=f"Send {_INSIDE_EXAMPLE}."
        )
    return slug


def _flag(body: Mapping[str, Any], name: str) -> bool:
    flag = body.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise BodyInvalid(f"{name} has to be true or false.", help=f"To say false, leave {name} out.")
    return bool(flag)


def _require_app(app: str, apps: Collection[str]) -> None:
    if app not in apps:
        raise AppUnsupported(app, ", ".join(sorted(apps)))


def _limit(text: str | None) -> int:
    """The number of connections to return at most. A text of 0 stands for MAX_RESULTS."""
    if text is None:
        return MAX_RESULTS
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise ParameterInvalid(
            f"limit can't be {text[:64]!r}.",
            help=f"Use a whole number. 0 means the most, which is {MAX_RESULTS}.",
        )
    return min(int(text), MAX_RESULTS) or MAX_RESULTS
