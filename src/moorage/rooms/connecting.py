"""Connections, their tokens, and the apps that they lead to."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from moorage.oauth import CALLBACK
from moorage.rooms.crm import CrmRooms

if TYPE_CHECKING:
    from moorage.access import Principal
    from moorage.connections.model import Connection
    from moorage.connections.pruning import Pruning
    from moorage.connections.return_urls import ReturnUrls
    from moorage.connections.service import Connections
    from moorage.oauth.apps.clients import OAuthClients
    from moorage.oauth.apps.destinations import Destinations
    from moorage.oauth.apps.providers import Providers
    from moorage.oauth.connect.disconnect import Disconnect
    from moorage.oauth.connect.importing import Importing
    from moorage.oauth.connect.service import Connect
    from moorage.oauth.diagnosis.service import Diagnoses
    from moorage.oauth.tokens.limits import TokenLimits
    from moorage.oauth.tokens.renewal import Renewals
    from moorage.oauth.tokens.service import Tokens
    from moorage.oauth.tokens.unwritten import Unwritten
    from moorage.oauth.transport.authorization_server import AuthorizationServers
    from moorage.oauth.transport.embedded import EmbeddedCrm
    from moorage.oauth.transport.remote import RemoteTransport
    from moorage.policies import Classifier, Policies
    from moorage.policies.spending import Purses
    from moorage.policies.trial import Trials
    from moorage.proxies import Proxies
    from moorage.requests.model import Names
    from moorage.requests.writer import Writer

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class ConnectingRooms(CrmRooms):
    def key_policies(self) -> "Policies":
        return self.policies

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

        return RemoteTransport(proxies=self.proxies)

    @cached_property
    def proxies(self) -> "Proxies":
        """Raises SettingsInvalid if HTTPS_PROXY or HTTP_PROXY names no proxy that can be used."""
        from moorage.proxies import Proxies

        return Proxies(self.settings.proxy, self.settings.no_proxy, os.environ)

    @cached_property
    def accounts(self) -> "AuthorizationServers":
        from moorage.oauth.transport.authorization_server import AuthorizationServers

        return AuthorizationServers(self.destinations, self.outside.send, self.embedded.send, self.clock)

    @cached_property
    def connections(self) -> "Connections":
        from moorage.connections.service import Connections
        from moorage.connections.sessions import PURPOSE, Sessions
        from moorage.oauth.tokens.store import failures
        from moorage.oauth.transport.refusal_codes import explained

        vault = self.vault
        sessions = Sessions(lambda: vault.derive(PURPOSE), lambda: vault.derived(PURPOSE))
        environment = self.providers.environment
        return Connections(
            self.database,
            sessions,
            self.clock,
            self.urls.gateway,
            environment,
            explained,
            failures,
        )

    async def names(self, caller: "Principal") -> "Names":
        """The names that a caller may know of its account's keys and connections."""
        from moorage.requests.model import Names

        aliases = await self.connections.aliases(caller.account_id, caller.reach)
        return Names(await self.keys.names(caller.account_id), aliases)

    @cached_property
    def pruning(self) -> "Pruning":
        from moorage.connections.pruning import Pruning
        from moorage.oauth.connect.attempts import under_way

        return Pruning(self.database, under_way)

    @cached_property
    def return_urls(self) -> "ReturnUrls":
        from moorage.connections.return_urls import ReturnUrls

        return ReturnUrls(self.settings.return_urls)

    @cached_property
    def purses(self) -> "Purses":
        from moorage.policies.spending import Purses

        return Purses(self.database, self.clock)

    @cached_property
    def classifier(self) -> "Classifier":
        from moorage.policies import Classifier

        providers = self.providers
        return Classifier({app: providers.get(app).operations for app in providers.names})

    @cached_property
    def policies(self) -> "Policies":
        from moorage.policies import Policies, Policy

        environment, live = self.providers.environment_of, Policy(self.settings.live_policy)
        return Policies(self.database, self.classifier, self.purses, environment, live)

    @cached_property
    def request_writer(self) -> "Writer | None":
        from moorage.requests.sealed import BodyWriter
        from moorage.requests.writer import Writer

        notes = self.request_notes
        if notes is None:
            return None
        database = self.request_database if self.settings.requests_kept else None
        bodies = None if notes.bodies is None else BodyWriter(self.vault, notes.bodies)
        return Writer(database, notes, self.classifier.classify, bodies, self.call_counts)

    @cached_property
    def trials(self) -> "Trials":
        from moorage.policies.trial import Trials

        return Trials(self.policies, self.connections, self.keys.principal_of, self.providers.get)

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
    def token_limits(self) -> "TokenLimits":
        from moorage.oauth.tokens.limits import TokenLimits

        return TokenLimits(self.database, self.providers)

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
            self.return_urls,
        )

    @cached_property
    def importing(self) -> "Importing":
        from moorage.oauth.connect.importing import Importing

        return Importing(
            self.connections,
            self.tokens,
            self.providers,
            self.destinations,
            self.accounts,
            self.unwritten,
            self.clock.timestamp,
        )

    @cached_property
    def disconnect(self) -> "Disconnect":
        from moorage.oauth.connect.disconnect import Disconnect

        return Disconnect(self.connections, self.tokens, self.accounts)

    @cached_property
    def diagnoses(self) -> "Diagnoses":
        from moorage.oauth.diagnosis.service import Diagnoses

        return Diagnoses(self.renewals, self.providers, self.destinations, self.accounts, self.clock)

    async def connect_inside(self, connection: "Connection", slug: str) -> None:
        """Connect a connection to an organisation of the embedded CRM, as its first user and without consent."""
        provider = self.providers.get(connection.app)
        minted = await self.embedded.grant(slug)
        await self.connect.activate(connection, await self.destinations.inside(provider, slug), minted)

    async def widen_inside(self) -> None:
        """Let connections that `connect_inside` made in an earlier version do what this version can."""
        await self.embedded.widen(self.connections.widen)
