"""The control API of default connections."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Principal
from moorage.connections.service import Connections
from moorage.http.control import Authenticate, json_object, json_response, route
from moorage.http.errors import AppUnknown, BodyInvalid

_EXAMPLE = '{"connection_id": "e55c5bac-241a-4cc8-9db5-50d2cad09136"}'


def routes(
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
        body = await json_object(request, _EXAMPLE, known=("connection_id",))
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
        raise BodyInvalid("The body has no connection_id that is a text.", help=f"Send {_EXAMPLE}.")
    return connection_id
