"""`GET /connections/{id}/tokens`: how many tokens a connection has made lately, and how long the present one lasts."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.connections.service import Connections
from moorage.http.control import Authenticate, json_response, route
from moorage.http.timestamps import wire_time
from moorage.oauth.tokens.renewal import BUDGET, WINDOW, Renewals, TokenState


def routes(connections: Connections, renewals: Renewals, authenticate: Authenticate) -> list[Route]:
    async def get(request: Request) -> Response:
        caller = await authenticate(request, "connections:read")
        name = request.path_params["connection_id"]
        connection = await connections.get(caller.account_id, name, caller.reach)
        state = await renewals.token_state(connection)
        return json_response({"connection_id": connection.id, "tokens": _document(state)})

    return [route("/connections/{connection_id}/tokens", GET=get)]


def _document(state: TokenState) -> dict[str, Any]:
    """What may be known of the tokens. None of it is a secret."""
    ends = None if state.access is None else state.access.expires_at
    return {
        "made": len(state.mints),
        "allowed": BUDGET,
        "window_seconds": int(WINDOW),
        "expires_at": None if ends is None else wire_time(datetime.fromtimestamp(ends, UTC)),
        "renewable": state.refresh is not None,
    }
