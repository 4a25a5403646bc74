"""The control API of connections."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Principal
from moorage.connections.embedded import EmbeddedConnector
from moorage.connections.labels import NO_LABELS
from moorage.connections.model import Connection
from moorage.connections.reading import (
    EXAMPLE,
    LABELS,
    app_and_method_in,
    change_in,
    cursor_of,
    filters_in,
    flag_in,
    limit_in,
    organisation_in,
    place_in,
    text_in,
)
from moorage.connections.return_urls import ReturnUrls
from moorage.connections.service import Connections
from moorage.http.control import Authenticate, Endpoint, json_object, json_response, route
from moorage.http.errors import BodyInvalid

_PARAMETERS = ("app", "status", "method", "environment", "alias", "tag", "end_user", "limit", "cursor")
_RELABEL_EXAMPLE = '{"alias": "sales-eu", "tags": ["team:sales"]}'


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
    on_change: Callable[[], None],
    returns: ReturnUrls,
) -> list[Route]:
    """The routes of connections.

    `apps` returns the method of connecting for each app. `disconnect` deletes an account's connection and all data that
    belongs to it. `inside` connects to the embedded CRM. `on_change` is called after a connection got another alias.
    `returns` knows where people may be sent.
    """
    search = _search(connections, authenticate, apps)
    create = _create(connections, authenticate, apps, inside, returns)
    get, delete = _get(connections, authenticate), _delete(connections, authenticate, disconnect)
    relabel = _relabel(connections, authenticate, on_change)
    return [
        route("/connections", GET=search, POST=create),
        route("/connections/{connection_id}", GET=get, PATCH=relabel, DELETE=delete),
    ]


async def _documents(
    connections: Connections, caller: Principal, listed: Sequence[Connection]
) -> list[dict[str, Any]]:
    # With the url a person can change the destination of the connection. A caller that may only read does not get it.
    with_url = caller.may("connections:write")
    return await connections.documents(listed, reach=caller.reach, with_url=with_url)


def _search(
    connections: Connections, authenticate: Authenticate, apps: Callable[[], Collection[str]]
) -> Endpoint:
    async def search(request: Request) -> Response:
        caller = await authenticate(request, "connections:read", *_PARAMETERS)
        filters = filters_in(request.query_params, apps())
        limit = limit_in(request.query_params.get("limit") or None)
        after = place_in(request.query_params.get("cursor") or None)
        found = await connections.search(
            caller.account_id, filters, limit=limit + 1, reach=caller.reach, after=after
        )
        listed = found[:limit]
        document: dict[str, Any] = {"connections": await _documents(connections, caller, listed)}
        if len(found) > limit:  # A list that is whole has the form that it has at Maton, too.
            document["next_cursor"] = cursor_of(listed[-1])
        return json_response(document)

    return search


def _create(
    connections: Connections,
    authenticate: Authenticate,
    apps: Callable[[], Mapping[str, str]],
    inside: EmbeddedConnector,
    returns: ReturnUrls,
) -> Endpoint:
    async def create(request: Request) -> Response:
        caller = await authenticate(request, "connections:write")
        known = ("app", "method", "embedded", "organisation", "return_url", *LABELS)
        body = await json_object(request, EXAMPLE, known=known)
        app, method = app_and_method_in(body, apps())
        caller.require_app(app)
        organisation, labels = organisation_in(body), change_in(body)(NO_LABELS)
        if organisation is not None:
            # A caller that may change and delete organisations needs no person's consent to connect to them.
            caller.require("organisations:write")
            await inside.require(app, organisation)
        return_url = text_in(body, "return_url")
        if return_url is not None:
            returns.require(return_url)
        connection = await connections.create(
            caller.account_id,
            app,
            method,
            asked_by=caller.name,
            embedded=flag_in(body, "embedded"),
            labels=labels,
            return_url=return_url,
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


def _relabel(connections: Connections, authenticate: Authenticate, on_change: Callable[[], None]) -> Endpoint:
    async def relabel(request: Request) -> Response:
        caller = await authenticate(request, "connections:write")
        body = await json_object(request, _RELABEL_EXAMPLE, known=LABELS)
        if not body:
            raise BodyInvalid("The body changes nothing.", help=f"Send an object such as {_RELABEL_EXAMPLE}.")
        name = request.path_params["connection_id"]
        connection = await connections.relabel(caller.account_id, name, change_in(body), caller.reach)
        on_change()
        [document] = await _documents(connections, caller, [connection])
        return json_response({"connection": document})

    return relabel


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
