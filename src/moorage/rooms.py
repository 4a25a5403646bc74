"""All services over one data folder. This is the only file that chooses their stores and transports.

A service is made, and its code loaded, when it is first used. A command needs few of them, and loading all of them
takes three times as long. A server makes all of them at its start, so that no call has to wait.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from moorage.clock import Clock, SystemClock
from moorage.loopback import is_loopback
from moorage.oauth import CALLBACK
from moorage.settings import Settings
from moorage.settings.readers import is_postgresql

if TYPE_CHECKING:
    from moorage.background import Loop
    from moorage.connections.model import Connection
    from moorage.connections.service import Connections
    from moorage.crm import CrmService, CrmStorage, Management
    from moorage.gateway.probes import Probes
    from moorage.http.crowd import Crowd
    from moorage.jobs.runner import Runner
    from moorage.keys.limits import RateLimiter
    from moorage.keys.service import Keys
    from moorage.keys.settling import Settling
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
    from moorage.vault.kept import SealedSecrets
    from moorage.vault.keys import KeySource
    from moorage.vault.rotation import Rotation
    from moorage.vault.service import Vault

# ruff: noqa: PLC0415 (this file loads each service when it is first used)

DEMO_SLUG = "demo"
DEMO_APP = "zoho-crm"


@dataclass(frozen=True, slots=True)
class Urls:
    """The base URLs of the two origins."""

    gateway: str
    crm: str


class Rooms:
    """With `make_key`, a vault that has no key and no secrets gets a new key."""

    def __init__(self, settings: Settings, urls: Urls, clock: Clock, *, make_key: bool = True) -> None:
        self.settings = settings
        self.urls = urls
        self.clock = clock
        self._make_key = make_key
        self.crm_like: CrmService | None = None  # The CRM gets its key, if it has none yet.

    @cached_property
    def database(self) -> "Database":
        from moorage.storage.database import READERS, Database

        settings = self.settings
        # One connection writes, and one watches for changes.
        readers = settings.database_connections - 2 if is_postgresql(settings.database_url) else READERS
        return Database(settings.database_url, self.clock, readers=readers)

    def alone(self) -> AbstractAsyncContextManager[object]:
        """A lock for work that one server of a control database does, such as the first start.

        For SQLite the lock of the data folder is enough, which every server holds.
        """
        if not is_postgresql(self.settings.database_url):
            return contextlib.nullcontext()
        from moorage.storage.backend import CONTROL_SCHEMA
        from moorage.storage.lease import Lease

        return Lease(self.settings.database_url, CONTROL_SCHEMA, "first start")

    @cached_property
    def vault_keys(self) -> "KeySource":
        from moorage.storage.sqlite import sqlite_path
        from moorage.vault.keys import load_keys, shared_keys

        if is_postgresql(self.settings.database_url):
            return shared_keys(self.settings.vault_key, self.settings.home)
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
    def settling(self) -> "Settling":
        from moorage.keys.settling import Settling

        return Settling(self.database, self.limiter)

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
    def runner(self) -> "Runner":
        """Runs the jobs of all rooms: each is done by one of all processes."""
        from moorage.jobs import Work
        from moorage.jobs.runner import Runner
        from moorage.jobs.service import Jobs

        connections = self.connections
        works = (Work("connections.end_unopened", lambda _: connections.end_unopened(), every=3600),)
        return Runner(Jobs(self.database), works)

    @cached_property
    def crm(self) -> "CrmService":
        from moorage.crm import CrmService

        folder, open_slug = self.settings.crm_folder, DEMO_SLUG if _is_local(self.settings) else None
        return CrmService(
            self.crm_storage,
            folder,
            self.clock,
            self.urls.crm,
            open_slug,
            self._secret_keeper(),
            self.crm_like,
        )

    def _secret_keeper(self) -> "SealedSecrets | None":
        """What keeps the CRM's secrets, if its folder does not: processes on other machines need them, too."""
        if not self.crm_storage.is_shared:
            return None
        from moorage.vault.kept import SealedSecrets

        _ = self.database  # A command updates its schema.
        return SealedSecrets(self.settings.database_url, self.vault_keys, self.settings.crm_folder)

    @cached_property
    def crm_storage(self) -> "CrmStorage":
        """The storage, whose kind is chosen here: a folder of SQLite files, or a database in PostgreSQL."""
        settings = self.settings
        if is_postgresql(settings.crm_database_url):
            from moorage.crm.storage.postgresql.storage import PostgresqlStorage

            return PostgresqlStorage(
                settings.crm_database_url, self.clock, settings.crm_connections, settings.other_servers
            )
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

        return EmbeddedCrm(self.crm, self.urls.crm, self.clock)

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
        """The check behind /readyz: can the server do its work?"""
        from moorage.storage.readiness import Readiness, complaint
        from moorage.storage.sqlite import sqlite_path

        settings = self.settings
        folders = {settings.home, settings.crm_folder}
        files: dict[str, Callable[[float], str | None]] = {}
        if not is_postgresql(settings.database_url):
            database = sqlite_path(settings.database_url)
            folders.add(database.parent)
            files["The control database"] = partial(complaint, database)
        files.update(self.crm_storage.complaints())

        async def look() -> None:
            await self.database.check()
            await self.vault.check()
            await self.crm.check()

        return Readiness(look, folders, files)

    @cached_property
    def crowd(self) -> "Crowd":
        from moorage.http.crowd import Crowd

        return Crowd()

    @cached_property
    def probes(self) -> "Probes":
        from moorage.gateway.probes import Probes

        return Probes(self.readiness, self.crowd)

    def background(self) -> "list[Loop]":
        """The background loops of all rooms."""
        rooms = self.crm, self.tokens, self.keys, self.settling, self.runner
        return [loop for room in rooms for loop in room.background()]

    def make_all(self) -> None:
        """Make every service that was not made yet."""
        for name, room in vars(Rooms).items():
            if isinstance(room, cached_property):
                getattr(self, name)

    async def connect_inside(self, connection: "Connection", organisation: str) -> None:
        """Connect a connection to an organisation of the embedded CRM, as its first user and without consent."""
        provider = self.providers.get(connection.app)
        minted = await self.embedded.grant(organisation, list(provider.scopes))
        await self.connect.activate(
            connection, await self.destinations.inside(provider, organisation), minted
        )

    async def close(self) -> None:
        """Close the services that were made."""
        services = vars(self)
        if "tokens" in services:
            await self.tokens.close()
        if "unwritten" in services:
            await self.unwritten.close()
        if "keys" in services:
            from moorage.storage.errors import DatabaseUnusable

            with contextlib.suppress(DatabaseUnusable):
                await self.keys.note_uses()
        if "outside" in services:
            await self.outside.close()
        if "crm" in services:
            await self.crm.close()
        elif "crm_storage" in services:
            await self.crm_storage.close()
        if "database" in services:
            await self.database.close()


def _is_local(settings: Settings) -> bool:
    """True if only users of this machine can reach the CRM, also with a proxy in front of it."""
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
