"""`GET /limits/tokens`: what each connection has used of its app's limits for tokens."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.connections.service import Connections
from moorage.http.control import Authenticate, json_response, route
from moorage.oauth.tokens.limits import TokenLimits

MOST = 1000  # Connections.


def routes(connections: Connections, limits: TokenLimits, authenticate: Authenticate) -> list[Route]:
    async def get(request: Request) -> Response:
        caller = await authenticate(request, "connections:read")
        reached = await connections.search(caller.account_id, limit=MOST, reach=caller.reach)
        return json_response({"connections": await limits.documents(reached)})

    return [route("/limits/tokens", GET=get)]
