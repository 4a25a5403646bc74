"""Every service over one data folder, wired to each other: the only file that knows which store and transport are used.

Each is made, and its code loaded, when it is first asked for: a command needs few of them, and to load all takes three
times as long. A server makes all of them at its start, so that no call waits for it.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from moorage.clock import Clock, SystemClock
from moorage.loopback import is_loopback
from moorage.oauth import CALLBACK
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.background import Loop
    from moorage.connections.model import Connection
    from moorage.connections.service import Connections
    from moorage.crm import CrmService, CrmStorage, Management
    from moorage.gateway.probes import Probes
    from moorage.http.crowd import Crowd
    from moorage.keys.limits import RateLimiter
    from moorage.keys.service import Keys
    from moorage.oauth.apps.clients import OAuthClients
    from moorage.oauth.apps.destinations import Destinations
    from moorage.oauth.apps.providers import Providers
    from moorage.oauth.connect.disconnect import Disconnect
    from moorage.oauth.connect.service import Connect
    from moorage.oauth.diagnosis.service import Diagnoses
    from moorage.oauth.tokens.renewal import Renewals
    from moorage.oauth.tokens.service import Tokens
    from moorage.oauth.tokens.unwritten import Unwritten
    from moorage.oauth.transport.authorization_server import AuthorizationServers
    from moorage.oauth.transport.embedded import EmbeddedCrm
    from moorage.oauth.transport.remote import RemoteTransport
    from moorage.storage import Database
    from moorage.storage.readiness import Readiness
    from moorage.vault.keys import KeySource
    from moorage.vault.rotation import Rotation
    from moorage.vault.service import Vault

# ruff: noqa: PLC0415 (to load what is needed when it is needed is what this file is for)

DEMO_SLUG = "demo"


@dataclass(frozen=True, slots=True)
class Urls:
    """The base URLs under which the two origins are reached."""

    gateway: str
    crm: str


class Rooms:
    """With `make_key` the vault gets a key where there is none yet, and nothing that one would have sealed."""

    def __init__(self, settings: Settings, urls: Urls, clock: Clock, *, make_key: bool = True) -> None:
        self.settings = settings
        self.urls = urls
        self.clock = clock
        self._make_key = make_key

    @cached_property
    def database(self) -> "Database":
        from moorage.storage import Database

        return Database(self.settings.database_url, self.clock)

    @cached_property
    def vault_keys(self) -> "KeySource":
        from moorage.storage.sqlite import sqlite_path
        from moorage.vault.keys import load_keys

        database = sqlite_path(self.settings.database_url)
        return load_keys(self.settings.vault_key, self.settings.home, database, make=self._make_key)

    @cached_property
    def vault(self) -> "Vault":
        from moorage.vault.service import Vault

        return Vault(self.database, self.vault_keys)

    @cached_property
    def rotation(self) -> "Rotation":
        from moorage.connections.sessions import LIFETIME, PURPOSE
        from moorage.vault.rotation import Rotation

        return Rotation(self.database, self.vault_keys, {PURPOSE: LIFETIME})

    @cached_property
    def keys(self) -> "Keys":
        from moorage.keys.service import Keys

        return Keys(self.database, self.clock)

    @cached_property
    def limiter(self) -> "RateLimiter":
        from moorage.keys.limits import RateLimiter

        return RateLimiter(self.settings.rate_limit, self.clock)

    @cached_property
    def connections(self) -> "Connections":
        from moorage.connections.service import Connections
        from moorage.connections.sessions import PURPOSE, Sessions
        from moorage.oauth.connect.attempts import under_way

        vault = self.vault
        sessions = Sessions(lambda: vault.derive(PURPOSE), lambda: vault.derived(PURPOSE))
        environment = self.providers.environment
        return Connections(self.database, sessions, self.clock, self.urls.gateway, environment, under_way)

    @cached_property
    def crm(self) -> "CrmService":
        from moorage.crm import CrmService

        urls, open_slug = self.urls, DEMO_SLUG if _only_here(self.settings) else None
        folder = self.settings.crm_folder
        return CrmService(self.crm_storage, folder, self.clock, lambda: urls.crm, open_slug)

    @cached_property
    def crm_storage(self) -> "CrmStorage":
        """The one place that chooses the kind of storage. There is one kind so far: a folder of SQLite files."""
        from moorage.crm.storage.sqlite.storage import SqliteStorage

        return SqliteStorage(self.settings.crm_folder, self.clock)

    @cached_property
    def organisations(self) -> "Management":
        from moorage.crm import Management

        return Management(self.crm, self.clock)

    @cached_property
    def providers(self) -> "Providers":
        from moorage.oauth.apps.providers import Providers

        return Providers(self.settings.home / "providers")

    @cached_property
    def oauth_clients(self) -> "OAuthClients":
        from moorage.oauth.apps.clients import OAuthClients

        return OAuthClients(self.database, self.vault, self.settings.oauth_clients)

    @cached_property
    def embedded(self) -> "EmbeddedCrm":
        from moorage.oauth.transport.embedded import EmbeddedCrm

        urls = self.urls
        return EmbeddedCrm(self.crm, lambda: urls.crm, self.clock)

    @cached_property
    def destinations(self) -> "Destinations":
        from moorage.oauth.apps.destinations import Destinations

        return Destinations(
            self.providers,
            self.oauth_clients,
            self.embedded,
            f"{self.urls.gateway}{CALLBACK}",
            shows_embedded=self.settings.loopback and self.settings.public_url is None,
        )

    @cached_property
    def outside(self) -> "RemoteTransport":
        from moorage.oauth.transport.remote import RemoteTransport

        return RemoteTransport()

    @cached_property
    def accounts(self) -> "AuthorizationServers":
        from moorage.oauth.transport.authorization_server import AuthorizationServers

        return AuthorizationServers(self.destinations, self.outside.send, self.embedded.send, self.clock)

    @cached_property
    def unwritten(self) -> "Unwritten":
        from moorage.oauth.tokens.unwritten import Unwritten

        return Unwritten()

    @cached_property
    def renewals(self) -> "Renewals":
        from moorage.oauth.tokens.renewal import Renewals

        ask, unwritten = self.accounts.refresh, self.unwritten
        return Renewals(self.database, self.vault, self.connections, self.providers, ask, unwritten)

    @cached_property
    def tokens(self) -> "Tokens":
        from moorage.oauth.tokens.service import Tokens

        return Tokens(self.vault, self.renewals, self.clock)

    @cached_property
    def connect(self) -> "Connect":
        from moorage.oauth.connect.service import Connect

        return Connect(
            self.database,
            self.connections,
            self.tokens,
            self.providers,
            self.destinations,
            self.accounts,
            self.unwritten,
        )

    @cached_property
    def disconnect(self) -> "Disconnect":
        from moorage.oauth.connect.disconnect import Disconnect

        return Disconnect(self.connections, self.tokens, self.accounts)

    @cached_property
    def diagnoses(self) -> "Diagnoses":
        from moorage.oauth.diagnosis.service import Diagnoses

        return Diagnoses(self.renewals, self.providers, self.destinations, self.accounts, self.clock)

    @cached_property
    def readiness(self) -> "Readiness":
        """Whether the server can do its work, for /readyz."""
        from moorage.storage.readiness import Readiness, complaint
        from moorage.storage.sqlite import sqlite_path

        database, crm = sqlite_path(self.settings.database_url), self.settings.crm_folder

        async def look() -> None:
            await self.database.check()
            await self.vault.check()
            await self.crm.check()

        files: dict[str, Callable[[float], str | None]] = {
            "The control database": partial(complaint, database),
            **self.crm_storage.complaints(),
        }
        return Readiness(look, {self.settings.home, database.parent, crm}, files)

    @cached_property
    def crowd(self) -> "Crowd":
        from moorage.http.crowd import Crowd

        return Crowd()

    @cached_property
    def probes(self) -> "Probes":
        from moorage.gateway.probes import Probes

        return Probes(self.readiness, self.crowd)

    def background(self) -> "list[Loop]":
        """What the rooms of a server do beside its calls."""
        rooms = self.crm, self.tokens, self.connections, self.keys
        return [loop for room in rooms for loop in room.background()]

    def make_all(self) -> None:
        """Make every service that is not there yet."""
        for name, room in vars(Rooms).items():
            if isinstance(room, cached_property):
                getattr(self, name)

    async def connect_inside(self, connection: "Connection", organisation: str) -> None:
        """Let a connection lead to an organisation of the embedded CRM, as its first user, without asking anybody."""
        provider = self.providers.get(connection.app)
        minted = await self.embedded.grant(organisation, list(provider.scopes))
        await self.connect.activate(
            connection, await self.destinations.inside(provider, organisation), minted
        )

    async def close(self) -> None:
        """Close what was made."""
        made = vars(self)
        if "tokens" in made:
            await self.tokens.close()
        if "unwritten" in made:
            await self.unwritten.close()
        if "keys" in made:
            from moorage.storage.errors import DatabaseUnusable

            with contextlib.suppress(DatabaseUnusable):
                await self.keys.note_uses()
        if "outside" in made:
            await self.outside.close()
        if "crm" in made:
            await self.crm.close()
        elif "crm_storage" in made:
            await self.crm_storage.close()
        if "database" in made:
            await self.database.close()


def _only_here(settings: Settings) -> bool:
    """Whether nobody but this machine's own users reaches the CRM, not even through a proxy."""
    host = urlsplit(settings.crm_public_url).hostname if settings.crm_public_url else settings.host
    return settings.loopback and is_loopback(host or "")


@asynccontextmanager
async def open_rooms(settings: Settings, urls: Urls, *, make_key: bool = True) -> AsyncIterator[Rooms]:
    """The services over a data folder, closed at the end."""
    rooms = Rooms(settings, urls, SystemClock(), make_key=make_key)
    try:
        yield rooms
    finally:
        await rooms.close()
