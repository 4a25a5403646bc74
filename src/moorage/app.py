"""Both origins of a server, composed of its rooms; and what the first start makes."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from moorage.background import Background, Loop
from moorage.clock import SystemClock
from moorage.connections import routes as connection_routes
from moorage.connections.embedded import EmbeddedConnector
from moorage.connections.model import Connection
from moorage.crm import DEMO, OrganisationExists, OrganisationSpec, refusal
from moorage.crm import routes as crm_routes
from moorage.errors import SettingsInvalid
from moorage.gateway.gateway import Gateway, Rules
from moorage.gateway.protocol import gateway_protocol
from moorage.gateway.resolve import Resolver
from moorage.http.answering import Door, answering
from moorage.http.asgi import no_application
from moorage.http.control import require_known_parameters
from moorage.http.errors import AppUnknown, BodyInvalid, NotFound
from moorage.http.middleware import Errors
from moorage.keys import routes as key_routes
from moorage.keys.errors import RateLimited
from moorage.keys.model import ApiKey, Principal, may_be_secret
from moorage.logs import Log
from moorage.near import did_you_mean
from moorage.oauth.apps import routes as app_routes
from moorage.oauth.apps.providers import Provider
from moorage.oauth.connect import routes as connect_routes
from moorage.oauth.connect.disconnect import Disconnected
from moorage.oauth.diagnosis import routes as diagnosis_routes
from moorage.rooms import DEMO_SLUG, Rooms, Urls, open_rooms
from moorage.settings import UNSHOWN, Settings
from moorage.storage.migrate import made_after, migrate
from moorage.storage.trouble import disk_trouble
from moorage.vault.errors import VaultKeyMissing, VaultLocked

APP = "zoho-crm"
KEPT_SECONDS = 3600.0  # For how long callers are served from memory while the database can't be read.
PLAYED_TO = "Moorage"  # As whom a Moorage that plays Zoho knows the one that connects to it.
WATCH_INTERVAL = 0.5  # Seconds until what another process changed is noticed here.

log = Log(__name__)


class App:
    """Both origins, ready for uvicorn: `gateway` and `crm` are keyword arguments of its Config.

    `crowd` are the connections of both, whose limit is for whoever serves them to say.
    """

    def __init__(self, settings: Settings, urls: Urls) -> None:
        clock = SystemClock()
        self._rooms = rooms = Rooms(settings, urls, clock)
        rooms.make_all()
        self._resolver = Resolver(
            keys=rooms.keys,
            connections=rooms.connections,
            tokens=rooms.tokens,
            header=rooms.providers.header,
            environment=rooms.providers.environment,
            limiter=rooms.limiter,
            clock=clock,
        )
        door = Door(rooms.crm.answer, rooms.crm.admit)
        self._gateway = gateway = Gateway(
            self._resolver,
            rooms.providers.names,
            door,
            answer_timeout=settings.upstream_timeout,
            rules=lambda app: _rules(rooms.providers.get(app)),
            prefix=urlsplit(urls.gateway).path.rstrip("/"),
        )
        origin = control_origin(rooms, on_change=self._resolver.clear)
        self.gateway: dict[str, Any] = {
            "app": origin,
            "http": gateway_protocol(gateway, rooms.probes.answers),
        }
        crm = answering(door, render_error=refusal)
        self.crm: dict[str, Any] = {"app": no_application, "http": crm}
        self.crowd = rooms.crowd
        self._background = Background([Loop("app.notice_changes", self._notice_changes), *rooms.background()])

    def start(self) -> None:
        """Begin what goes on beside the calls, in the running event loop."""
        self._background.start()

    async def _notice_changes(self) -> None:
        """Forget what is remembered of keys and connections as soon as any process changes them.

        While the database can't be asked, what is remembered serves on, but not for ever: a process that alone can't
        read it must not miss for long what others have revoked.
        """
        asked = time.monotonic()
        while True:
            changed = self._rooms.database.changed()
            if changed is not None:
                asked = time.monotonic()
            if changed or time.monotonic() - asked > KEPT_SECONDS:
                self._rooms.keys.clear()
                self._resolver.clear()
            await asyncio.sleep(WATCH_INTERVAL)

    async def close(self) -> None:
        await self._background.close()
        await self._gateway.close()
        await self._rooms.close()


def _rules(provider: Provider) -> Rules:
    return Rules(websocket=provider.websocket, rewrites_redirects=provider.rewrites_redirects)


def control_origin(rooms: Rooms, on_change: Callable[[], None]) -> ASGIApp:
    """Everything on the gateway's origin besides the apps: control API, connect page, health.

    `on_change` is called when connections or keys have changed, so that nothing remembered of them is used any more.
    """
    authenticate = partial(_authenticate, rooms)

    async def disconnect(account_id: str, connection_id: str) -> Disconnected:
        gone = await rooms.disconnect.disconnect(account_id, connection_id)
        on_change()
        return gone

    async def connect_inside(connection: Connection, organisation: str) -> None:
        await rooms.connect_inside(connection, organisation)
        on_change()

    async def unknown(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise _unknown_path(scope["path"], rooms.providers.names, first_segments(routes))

    routes = [
        *connection_routes.routes(
            rooms.connections,
            authenticate,
            lambda: rooms.providers.methods,
            disconnect,
            EmbeddedConnector(partial(_require_inside, rooms), connect_inside),
        ),
        *crm_routes.routes(rooms.organisations, authenticate),
        *connection_routes.default_routes(
            rooms.connections, authenticate, lambda: rooms.providers.names, on_change
        ),
        *key_routes.routes(rooms.keys, authenticate, lambda: rooms.providers.names, rooms.clock, on_change),
        *app_routes.routes(rooms.providers, rooms.destinations, authenticate),
        *diagnosis_routes.routes(rooms.connections, rooms.diagnoses, authenticate),
        *connect_routes.routes(rooms.connect, rooms.urls.gateway, on_change),
        *rooms.probes.routes(),
    ]
    # Starlette's own application would answer errors before ours could. No route takes all other paths, as none
    # matches one with a line break in it.
    router = Router(routes, redirect_slashes=False, default=unknown)
    return Errors(Troubles(router), connect_routes.error_page)


async def _authenticate(rooms: Rooms, request: Request, scope: str, *parameters: str) -> Principal:
    """Who calls the control API, if a scope allows it, with no parameters but these.

    Raises KeyInvalid, RateLimited, ScopeMissing, ParameterInvalid.
    """
    principal = await rooms.keys.authenticate(request.headers.get("authorization"))
    wait = rooms.limiter.take(principal.account_id)
    if wait is not None:
        raise RateLimited(wait)
    principal.require(scope)
    require_known_parameters(request, parameters)
    return principal


async def _require_inside(rooms: Rooms, app: str, organisation: str) -> None:
    """Raises BodyInvalid for an app that the embedded CRM does not speak, and OrganisationUnknown."""
    if rooms.providers.get(app).embedded != "crm":
        raise BodyInvalid(
            f"{app} has no organisations here.",
            help="Leave organisation out: people connect it at its url.",
        )
    await rooms.crm.organisations.find(organisation)


class Troubles:
    """ASGI middleware: what any route meets of a disk in trouble is told as that, as databases tell it of theirs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with disk_trouble("The data folder"):
            await self._app(scope, receive, send)


def first_segments(routes: Sequence[Route]) -> list[str]:
    """What paths of these routes begin with, in order."""
    return list(dict.fromkeys(route.path.split("/")[1] for route in routes))


def _unknown_path(path: str, apps: Collection[str], own: Sequence[str]) -> AppUnknown | NotFound:
    """`own` are the first segments of the control API's paths."""
    first, _, rest = path.strip("/").partition("/")
    meant = first.casefold()
    if meant in own:
        nearest = f" Did you mean /{meant}?" if not rest and path != f"/{meant}" else ""
        return NotFound(
            f"There is nothing at this path.{nearest}", help="`moorage help api` lists those there are."
        )
    example = f"A path begins with an app, as in /{APP}/crm/v8/Leads"
    if not first:
        told = f"{example}, or is one of the control API's, such as /connections."
    elif meant == "crm":
        told = f"{example}; {first!r} is none. Did you mean /{APP}{path[:64]}?"
    else:
        told = f"{example}; {first[:64]!r} is none.{did_you_mean(first, [*apps, *own])}"
    return AppUnknown(told, help=f"Known apps: {', '.join(sorted(apps))}.")


async def first_start(settings: Settings, demo: OrganisationSpec = DEMO) -> str | None:
    """Bring the data folder up to date; at the first start, make what somebody needs to begin.

    Gives the first API key's secret, this once, unless the operator chose it. Raises VaultKeyMissing.
    """
    migrate(settings.database_url, made_after(settings))
    async with open_rooms(settings, Urls("", "")) as rooms:
        rooms.make_all()  # Before several workers would do it at once.
        await _require_vault_key(rooms)
        account, unshown = await rooms.keys.first_account(), settings.home / UNSHOWN
        keys = await rooms.keys.list(account)
        if keys and not unshown.exists():
            return None
        if keys:
            return await _another_key(rooms, account, keys)
        chosen = settings.api_key.reveal() if settings.api_key else None
        if chosen is not None and not may_be_secret(chosen):
            raise SettingsInvalid(
                "MOORAGE_API_KEY: it looks like a key that Moorage made, but with a typing error.",
                help="Copy it whole, or choose one of another form.",
            )
        await make_demo(rooms, account, demo)
        if chosen is None:
            unshown.parent.mkdir(exist_ok=True)
            unshown.touch(0o600)
        _, secret = await rooms.keys.create(account, "first key", chosen)
        return None if chosen else secret


async def _another_key(rooms: Rooms, account: str, keys: Sequence[ApiKey]) -> str:
    """A key in place of the first one, as the start that made it was ended before it could show it."""
    _, secret = await rooms.keys.create(account, "first key")
    log.warning(
        "start.first_key_not_shown",
        note="the start that made the first API key ended before it showed it, so here is another",
        revoke=f"moorage key revoke {keys[0].id}",
    )
    return secret


async def _require_vault_key(rooms: Rooms) -> None:
    """A server without the key it had could do little, and whoever started it would not know why."""
    try:
        await rooms.vault.check()
    except VaultLocked as error:
        source = "MOORAGE_VAULT_KEY" if rooms.settings.vault_key is not None else "vault.key"
        raise VaultKeyMissing(
            f"The key of {source} does not open what is stored in {rooms.settings.home}: another one sealed it."
        ) from error


async def play_zoho(settings: Settings, callback: str) -> tuple[str, Path]:
    """Let another Moorage connect to this one as it would to Zoho: by what client, and the file of its secret.

    `callback` is the URL to which that one has people sent back.
    """
    async with open_rooms(settings, Urls("", "")) as rooms:
        crm = rooms.crm
        row = await crm.organisations.choose(None)
        user = (await crm.first_user(row)).id
        client = await crm.accounts.ensure_client(PLAYED_TO, row.id, user, callback)
        secret = settings.home / "client-secret"
        secret.touch(0o600)
        secret.write_text(f"{crm.accounts.client_secret(client.client_id)}\n")
        return client.client_id, secret


async def make_demo(rooms: Rooms, account: str, demo: OrganisationSpec = DEMO) -> None:
    """Something to call, before an account's first key: as long as there is none, the next start makes it good."""
    organisations = rooms.crm.organisations
    if not await organisations.list():
        with contextlib.suppress(OrganisationExists):  # Another process was quicker.
            await organisations.create(DEMO_SLUG, demo, sample=True)
    if not await rooms.connections.search(account, app=APP, status="ACTIVE"):
        # A start that was ended may have left one that it had just made.
        begun = await rooms.connections.search(account, app=APP, status="PENDING", limit=1)
        connection = begun[0] if begun else await rooms.connections.create(account, APP)
        await rooms.connect_inside(connection, (await organisations.choose(None)).slug)
