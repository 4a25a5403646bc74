"""The gateway's own origin: all paths that are no app's. The control API, pages for people, and health."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from moorage.acting import act_as, actor
from moorage.approvals import routes as approval_routes
from moorage.audit import routes as audit_routes
from moorage.connections import default_routes, prune_routes
from moorage.connections import routes as connection_routes
from moorage.connections.embedded import EmbeddedConnector
from moorage.connections.model import Connection
from moorage.console import routes as console_routes
from moorage.crm import routes as crm_routes
from moorage.errors import MoorageError
from moorage.grants import consent as grant_pages
from moorage.http.control import require_known_parameters
from moorage.http.errors import AppUnknown, BodyInvalid, NotFound
from moorage.http.message import Response
from moorage.http.middleware import Errors
from moorage.idempotency import CALLER, Idempotent
from moorage.keys import routes as key_routes
from moorage.keys.errors import KeyInvalid, RateLimited
from moorage.keys.model import Principal
from moorage.mcp import llms
from moorage.near import did_you_mean
from moorage.oauth.apps import routes as app_routes
from moorage.oauth.connect import import_routes
from moorage.oauth.connect import routes as connect_routes
from moorage.oauth.connect.disconnect import Disconnected
from moorage.oauth.diagnosis import routes as diagnosis_routes
from moorage.oauth.tokens import limit_routes as token_limit_routes
from moorage.oauth.tokens import routes as token_routes
from moorage.people import frame as people_pages
from moorage.people import routes as people_routes
from moorage.people import settings_api
from moorage.people.persons import Authenticate, Persons
from moorage.policies import limit_routes
from moorage.policies import routes as policy_routes
from moorage.requests import routes as request_routes
from moorage.rooms import DEMO_APP, Rooms
from moorage.storage.trouble import disk_trouble
from moorage.web import asset_routes, leading
from moorage.web.visitor import address_of


def control_origin(rooms: Rooms, on_change: Callable[[], None]) -> ASGIApp:
    """All of the gateway's origin but the apps: control API, connect page, health.

    `on_change` is called after a change of connections or keys, so that nothing that is remembered of them is used.
    """

    def changed() -> None:
        rooms.grants.clear()
        on_change()

    routes = _control_routes(rooms, changed)

    async def unknown(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/" and leading.is_for_people(scope):
            await console_routes.to_console()(scope, receive, send)
            return
        raise _unknown_path(scope["path"], rooms.providers.names, first_segments(routes))

    # This is not a Starlette application, because that would answer errors itself. There is no route for all other
    # paths, because a pattern of Starlette does not match a line break.
    router = Router(routes, redirect_slashes=False, default=unknown)
    repeatable = Idempotent(router, rooms.idempotency, partial(_recognise, rooms))
    return Errors(Troubles(repeatable), _error_page, _address)


def _error_page(scope: Scope, error: MoorageError) -> Response | None:
    """The error as a page, if it is an error of a page for people."""
    pages = (
        connect_routes.error_page,
        people_pages.error_page,
        grant_pages.error_page,
        console_routes.error_page,
    )
    return next((page for error_page in pages if (page := error_page(scope, error)) is not None), None)


def _control_routes(rooms: Rooms, on_change: Callable[[], None]) -> list[Route]:
    authenticate = partial(_authenticate, rooms)
    return [
        *_connection_routes(rooms, authenticate, on_change),
        *_key_routes(rooms, authenticate, on_change),
        *_people_routes(rooms, authenticate),
        *rooms.mcp.routes(),
        *console_routes.routes(rooms.make_console),
        *asset_routes.routes(),
        *llms.routes(rooms.urls.gateway),
        *rooms.probes.routes(),
    ]


def _connection_routes(
    rooms: Rooms, authenticate: Authenticate, on_change: Callable[[], None]
) -> list[Route]:
    """Connections, and what they lead to: apps, their tokens, and the organisations of the embedded CRM."""
    apps, methods = (lambda: rooms.providers.names), (lambda: rooms.providers.methods)

    async def disconnect(account_id: str, connection_id: str) -> Disconnected:
        disconnected = await rooms.disconnect.disconnect(account_id, connection_id)
        on_change()
        return disconnected

    async def connect_inside(connection: Connection, slug: str) -> None:
        await rooms.connect_inside(connection, slug)
        on_change()

    connections = rooms.connections
    embedded = EmbeddedConnector(partial(_require_inside, rooms), connect_inside)
    return [
        *import_routes.routes(rooms.importing, connections, authenticate, methods, on_change),
        # Before a name of a connection is read there.
        *prune_routes.routes(rooms.pruning, authenticate, apps),
        *connection_routes.routes(
            connections, authenticate, methods, disconnect, embedded, on_change, rooms.return_urls
        ),
        *crm_routes.routes(rooms.organisations, authenticate),
        *default_routes.routes(connections, authenticate, apps, on_change),
        *token_limit_routes.routes(connections, rooms.token_limits, authenticate),
        *app_routes.routes(rooms.providers, rooms.destinations, authenticate),
        *diagnosis_routes.routes(connections, rooms.diagnoses, authenticate),
        *token_routes.routes(connections, rooms.renewals, authenticate),
        *connect_routes.routes(rooms.connect, rooms.urls.gateway, on_change),
    ]


def _key_routes(rooms: Rooms, authenticate: Authenticate, on_change: Callable[[], None]) -> list[Route]:
    """API keys, what they may do, and what they did."""

    async def confirm(request: Request, scope: str) -> Principal:
        principal = await rooms.keys.authenticate(request.headers.get("authorization"))
        principal.require(scope)
        return principal

    return [
        *audit_routes.routes(rooms.audit, authenticate, rooms.clock),
        *key_routes.routes(rooms.keys, authenticate, lambda: rooms.providers.names, rooms.clock, on_change),
        *limit_routes.routes(rooms.policies, rooms.limiter, authenticate),
        *policy_routes.routes(rooms.policies, rooms.trials, rooms.connections, authenticate, on_change),
        *request_routes.routes(_log(rooms), authenticate, confirm, rooms.names, rooms.clock),
    ]


def _people_routes(rooms: Rooms, authenticate: Authenticate) -> list[Route]:
    """People, and what they decide about: held calls, and programs that sign them in."""
    persons = Persons(rooms.people, authenticate)
    return [
        *people_routes.routes(
            rooms.people,
            rooms.entries,
            rooms.sign_in,
            rooms.second_factors,
            rooms.sessions,
            rooms.clock,
            rooms.urls.gateway,
            persons,
            rooms.elsewhere,
        ),
        *settings_api.routes(lambda: rooms.settings, persons),
        *approval_routes.routes(rooms.approvals, rooms.diffs, authenticate, persons),
        *rooms.grant_routes(persons),
    ]


async def _recognise(rooms: Rooms, authorization: str | None) -> Principal:
    """The principal of an Authorization header, whose request is counted. Raises KeyInvalid, RateLimited."""
    try:
        principal = await rooms.keys.authenticate(authorization)
    except KeyInvalid:
        rooms.refusals.note(actor().address)
        raise
    wait = rooms.limiter.take(principal.account_id)
    if wait is not None:
        raise RateLimited(wait)
    return principal


async def _authenticate(rooms: Rooms, request: Request, scope: str | None, *parameters: str) -> Principal:
    """The principal of a call to the control API that needs a scope and may have these query parameters.

    Without a scope, the call is about what is the key's own. Raises KeyInvalid, RateLimited, ScopeMissing,
    ParameterInvalid.
    """
    principal: Principal | None = request.scope.get(CALLER)
    if principal is None:
        principal = await _recognise(rooms, request.headers.get("authorization"))
    act_as(principal.kind, principal.key_id, principal.name, principal.account_id)
    if scope is not None:
        principal.require(scope)
    require_known_parameters(request, parameters)
    return principal


def _log(rooms: Rooms) -> request_routes.Log | None:
    requests, sums, uses, tails = (
        rooms.requests,
        rooms.request_sums,
        rooms.request_key_uses,
        rooms.request_tails,
    )
    if requests is None or sums is None or uses is None or tails is None:
        return None
    return request_routes.Log(requests, sums, uses, tails, rooms.request_bodies)


async def _require_inside(rooms: Rooms, app: str, slug: str) -> None:
    """Raises BodyInvalid if the embedded CRM does not answer calls of the app, and OrganisationUnknown."""
    if rooms.providers.get(app).embedded != "crm":
        raise BodyInvalid(
            f"{app} has no organisations here.",
            help="Leave organisation out. A person connects the connection at its url.",
        )
    await rooms.crm.organisations.find(slug)


def _address(scope: Scope) -> str | None:
    """The address of whoever sent a request, for the audit; None for a request that came over no socket."""
    client = scope.get("client")
    return address_of(client[0], Headers(scope=scope).get("x-forwarded-for")) if client else None


class Troubles:
    """ASGI middleware: a disk error in any route becomes a DatabaseUnusable, as errors of the databases do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with disk_trouble("The data folder"):
            await self._app(scope, receive, send)


def first_segments(routes: Sequence[Route]) -> list[str]:
    """The first segment of each route's path, in order."""
    return list(dict.fromkeys(route.path.split("/")[1] for route in routes))


def _unknown_path(path: str, apps: Collection[str], own: Sequence[str]) -> AppUnknown | NotFound:
    """The error for a path that leads nowhere. `own` has the first segments of the gateway's own paths."""
    first, _, rest = path.strip("/").partition("/")
    segment = first.casefold()
    if segment in own:
        suggestion = f" Did you mean /{segment}?" if not rest and path != f"/{segment}" else ""
        return NotFound(
            f"There is nothing at this path.{suggestion}", help="`moorage help api` lists all paths."
        )
    example = f"A path begins with an app, as in /{DEMO_APP}/crm/v8/Leads"
    if not first:
        message = f"{example}, or with a word of the control API, as in /connections."
    elif segment == "crm":
        message = f"{example}; {first!r} is not an app. Did you mean /{DEMO_APP}{path[:64]}?"
    elif first in apps:
        message = f"The name of the app is encoded. Write it as it is, as in /{first}/…"
    else:
        message = f"{example}; {first[:64]!r} is not an app.{did_you_mean(first, [*apps, *own])}"
    return AppUnknown(message, help=f"Known apps: {', '.join(sorted(apps))}.")
