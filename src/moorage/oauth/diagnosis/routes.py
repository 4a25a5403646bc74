"""`GET /connections/{id}/diagnosis`: the diagnosis of a connection."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Principal
from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.http.control import Authenticate, json_response, route
from moorage.oauth.diagnosis.service import Diagnoses, diagnosis_document
from moorage.vault.errors import VaultLocked


def routes(connections: Connections, diagnoses: Diagnoses, authenticate: Authenticate) -> list[Route]:
    async def diagnose(request: Request) -> Response:
        caller = await authenticate(request, "connections:read")
        connection_id = request.path_params["connection_id"]
        connection = await connections.get(caller.account_id, connection_id, caller.reach)
        diagnosis = await diagnoses.diagnose(connection)
        return json_response(diagnosis_document(diagnosis) | {"url": _url(connections, connection, caller)})

    return [route("/connections/{connection_id}/diagnosis", GET=diagnose)]


def _url(connections: Connections, connection: Connection, caller: Principal) -> str | None:
    # With the url a person can change the destination of the connection. A caller that may only read does not get it.
    if not caller.may("connections:write"):
        return None
    try:
        return connections.url(connection)
    except VaultLocked:  # Without a key to sign the url, the diagnosis is still useful.
        return None
