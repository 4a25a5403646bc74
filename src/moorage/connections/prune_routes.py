"""The control API that deletes connections which were never connected."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.connections.model import Connection
from moorage.connections.pruning import MAX_PRUNED, Pruning
from moorage.connections.reading import flag_in, require_app, text_in
from moorage.http.control import Authenticate, json_object, json_response, route
from moorage.http.errors import BodyInvalid
from moorage.http.timestamps import wire_time_of

DEFAULT_SECONDS = 24 * 3600
LONGEST_SECONDS = 366 * 24 * 3600
_EXAMPLE = '{"older_than_seconds": 86400, "dry_run": true}'
_KNOWN = ("older_than_seconds", "app", "dry_run")


def routes(pruning: Pruning, authenticate: Authenticate, apps: Callable[[], Collection[str]]) -> list[Route]:
    async def prune(request: Request) -> Response:
        caller = await authenticate(request, "connections:write")
        body = await json_object(request, _EXAMPLE, known=_KNOWN, optional=True)
        app, is_rehearsal = text_in(body, "app"), flag_in(body, "dry_run")
        if app is not None:
            require_app(app, apps())
        seconds = _seconds(body)
        pruned = await pruning.prune(caller.account_id, seconds, app, caller.reach, is_rehearsal=is_rehearsal)
        documents = [_document(connection) for connection in pruned]
        # There may be more than one call takes.
        return json_response(
            {"connections": documents, "dry_run": is_rehearsal, "more": len(documents) == MAX_PRUNED}
        )

    return [route("/connections/prune", POST=prune)]


def _seconds(body: Mapping[str, Any]) -> int:
    seconds = body.get("older_than_seconds", DEFAULT_SECONDS)
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 <= seconds <= LONGEST_SECONDS:
        return seconds
    raise BodyInvalid(
        f"older_than_seconds has to be a whole number from 0 to {LONGEST_SECONDS}.",
        help=f"Send an object such as {_EXAMPLE}.",
    )


def _document(connection: Connection) -> dict[str, Any]:
    return {
        "connection_id": connection.id,
        "app": connection.app,
        "status": connection.status,
        "alias": connection.labels.alias,
        "creation_time": wire_time_of(connection.created),
    }
