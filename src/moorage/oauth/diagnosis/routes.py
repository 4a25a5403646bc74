"""`GET /connections/{id}/diagnosis`: what is wrong with a connection, and what to do."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Principal
from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.http.control import Authenticate, json_response, route
from moorage.oauth.diagnosis.probe import Diagnoses, document
from moorage.vault.errors import VaultLocked


def routes(connections: Connections, diagnoses: Diagnoses, authenticate: Authenticate) -> list[Route]:
    async def diagnose(request: Request) -> Response:
        caller = await authenticate(request, "connections:read")
        found = await connections.get(caller.account_id, request.path_params["connection_id"], caller.reach)
        diagnosis = await diagnoses.diagnose(found)
        return json_response(document(diagnosis) | {"url": _url(connections, found, caller)})

    return [route("/connections/{connection_id}/diagnosis", GET=diagnose)]


def _url(connections: Connections, connection: Connection, caller: Principal) -> str | None:
    # Whoever has the url can lead the connection elsewhere, so reading alone does not give it.
    if not caller.may("connections:write"):
        return None
    try:
        return connections.url(connection)
    except VaultLocked:  # There is no key to sign it with, which is worth a diagnosis all the same.
        return None
