"""Diagnoses a connection: reads its stored data, and makes one request to each server of its app.

A diagnosis changes nothing and makes no token. It tests the present token with one call that only reads.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import asdict

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.http.errors import AppUnknown
from moorage.oauth.apps.destinations import Destination, Destinations
from moorage.oauth.apps.providers import Providers
from moorage.oauth.diagnosis.findings import Case, Finding, Probe, Side, findings
from moorage.oauth.errors import TokenRefused
from moorage.oauth.model import Client
from moorage.oauth.tokens.renewal import Renewals, TokenState
from moorage.oauth.transport.authorization_server import AuthorizationServers
from moorage.oauth.transport.contract import HttpReply, Unanswered
from moorage.single_flight import SingleFlight
from moorage.vault.errors import VaultLocked

PROBE_SECONDS = 4.0  # The time limit for the answer of each server.
_ANY_CLIENT = Client("", "")  # For cases in which the client's id and secret do not matter.


class Diagnosis(msgspec.Struct, frozen=True):
    connection: Connection
    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        """True if the connection is ACTIVE and no finding is a problem."""
        return self.connection.status == "ACTIVE" and all(
            finding.severity != "problem" for finding in self.findings
        )


class Diagnoses:
    def __init__(
        self,
        renewals: Renewals,
        providers: Providers,
        destinations: Destinations,
        accounts: AuthorizationServers,
        clock: Clock,
    ) -> None:
        self._renewals = renewals
        self._providers = providers
        self._destinations = destinations
        self._accounts = accounts
        self._clock = clock
        self._running = SingleFlight[Diagnosis]()

    async def diagnose(self, connection: Connection) -> Diagnosis:
        """The diagnosis of a connection. Callers at the same time share one."""
        key = (connection.id, connection.updated)
        return await self._running.do(key, lambda: self._diagnose(connection))

    async def _diagnose(self, connection: Connection) -> Diagnosis:
        try:
            provider = self._providers.get(connection.app)
        except AppUnknown as error:
            evidence = "The app existed when the connection was made."
            finding = Finding(error.code, "problem", error.message, evidence, "Restore the app's file.")
            return Diagnosis(connection, (finding,))
        destination, fault = await self._destination(connection)
        tokens = await self._token_state(connection)
        client = await self._client(connection, destination)
        probes = await self._probes(destination, tokens if connection.status == "ACTIVE" else None)
        now = self._clock.timestamp()
        case = Case(connection, provider, now, destination, fault, tokens, client is not None, probes)
        stored = (tokens.access, tokens.refresh) if tokens is not None else ()
        secrets = [token.value for token in stored if token is not None]
        secrets += [client.client_secret] if client is not None and client.client_secret else []
        return Diagnosis(connection, tuple(finding.without(secrets) for finding in findings(case)))

    async def _destination(self, connection: Connection) -> tuple[Destination | None, str | None]:
        """The destination, or the code of the reason why it is not known. Both are None if it was never connected."""
        if connection.upstream is None:
            return None, None
        try:
            return await self._destinations.where(connection), None
        except TokenRefused as refused:
            return None, refused.reason

    async def _token_state(self, connection: Connection) -> TokenState | None:
        try:
            return await self._renewals.token_state(connection)
        except VaultLocked:
            return None

    async def _client(self, connection: Connection, destination: Destination | None) -> Client | None:
        """The OAuth client for the connection's destination; None if the operator has not set one."""
        try:
            if destination is not None and not destination.embedded:
                return await self._destinations.client(destination)
        except VaultLocked:  # The finding about the connection's own secrets reports this.
            return _ANY_CLIENT
        if connection.upstream is None and not await self._destinations.choices(
            self._providers.get(connection.app)
        ):
            return None
        return _ANY_CLIENT

    async def _probes(self, destination: Destination | None, tokens: TokenState | None) -> list[Probe]:
        """Make one request to the accounts server and one to the API, both at the same time."""
        if destination is None:
            return []
        probes = []
        if destination.provider.signs_in and not destination.embedded:
            probes.append(
                self._probe("accounts", f"{destination.tokens}/", self._accounts.get_root(destination.tokens))
            )
        access = tokens.usable(self._clock.timestamp()) if tokens is not None else None
        identity = destination.provider.token_check
        if access is not None and identity is not None:
            request = self._accounts.ask(destination, identity, access.value)
            probes.append(self._probe("api", f"{destination.api}{identity.path}", request, with_token=True))
        elif not destination.embedded:
            probes.append(self._probe("api", f"{destination.api}/", self._accounts.get_root(destination.api)))
        return await asyncio.gather(*probes)

    async def _probe(
        self, side: Side, url: str, request: Awaitable[HttpReply], *, with_token: bool = False
    ) -> Probe:
        reply, silence = None, ""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reply = await request
        except Unanswered as error:
            silence = str(error)
        except TimeoutError:
            silence = f"{urlsplit(url).hostname} did not answer within {PROBE_SECONDS:.0f} seconds."
        return Probe(side, url, self._clock.timestamp(), reply, silence, with_token)


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis in the form of the control API."""
    connection = diagnosis.connection
    return {
        "connection_id": connection.id,
        "app": connection.app,
        "status": connection.status,
        "healthy": diagnosis.is_healthy,
        "findings": [asdict(finding) for finding in diagnosis.findings],
    }
