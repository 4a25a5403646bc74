"""The control API of connections."""

import re
from collections.abc import Awaitable, Callable, Collection

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.connections.errors import AppUnsupported, StatusUnknown
from moorage.connections.model import STATUSES, Connection
from moorage.connections.service import Connections
from moorage.http.errors import BodyInvalid, ParameterInvalid
from moorage.http.requests import Authenticate, answer, json_object, route

MOST = 1000
METHODS = ("API_KEY", "BASIC", "JWT", "OAUTH1", "OAUTH2", "MCP")


def routes(
    connections: Connections,
    authenticate: Authenticate,
    apps: Callable[[], Collection[str]],
    disconnect: Callable[[str, str], Awaitable[Connection]],
) -> list[Route]:
    """`apps` names the apps there are; `disconnect` deletes an account's connection with all that is kept of it."""

    async def search(request: Request) -> Response:
        caller = await authenticate(request)
        query = request.query_params
        app, status, method = (query.get(name) or None for name in ("app", "status", "method"))
        if app is not None:
            _known(app, apps())
        if status is not None and status not in STATUSES:
            raise StatusUnknown(status)
        if method is not None and method not in METHODS:
            raise ParameterInvalid(
                f"There is no method {method[:64]!r}.", help=f"Use one of {', '.join(METHODS)}."
            )
        limit = _limit(query.get("limit") or None)
        found = await connections.search(
            caller.account_id, app=app, status=status, method=method, limit=limit
        )
        return answer({"connections": [connections.document(one) for one in found]})

    async def create(request: Request) -> Response:
        caller = await authenticate(request)
        body = await json_object(request)
        app, method = body.get("app"), body.get("method")
        if not isinstance(app, str):
            raise BodyInvalid("The body has to name an app.", help='Send {"app": "zoho-crm"}.')
        _known(app, apps())
        if method is not None and method != "OAUTH2":
            raise BodyInvalid("The method has to be OAUTH2.", help="Leave it out, or send OAUTH2.")
        return answer({"connection": connections.document(await connections.create(caller.account_id, app))})

    async def get(request: Request) -> Response:
        caller = await authenticate(request)
        found = await connections.get(caller.account_id, request.path_params["connection_id"])
        return answer({"connection": connections.document(found)})

    async def delete(request: Request) -> Response:
        caller = await authenticate(request)
        gone = await disconnect(caller.account_id, request.path_params["connection_id"])
        return answer({"connection_id": gone.id, "deleted": True})

    return [
        route("/connections", GET=search, POST=create),
        route("/connections/{connection_id}", GET=get, DELETE=delete),
    ]


def _known(app: str, apps: Collection[str]) -> None:
    if app not in apps:
        raise AppUnsupported(app, ", ".join(sorted(apps)))


def _limit(text: str | None) -> int:
    """How many to give at most; 0 asks for all that are ever given."""
    if text is None:
        return MOST
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise ParameterInvalid(
            f"limit can't be {text[:64]!r}.", help="Use a whole number from 0; 0 means all."
        )
    return min(int(text), MOST) or MOST
