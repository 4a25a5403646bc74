"""Find out what is wrong with a connection: by what is kept of it, and by asking the other side once.

A diagnosis changes nothing and has no token made: the token that is kept is tried with one harmless call.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.http.errors import AppUnknown
from moorage.oauth.apps.destinations import Place, Places
from moorage.oauth.apps.providers import Providers
from moorage.oauth.diagnosis.findings import Case, Finding, Side, Visit, findings
from moorage.oauth.errors import TokenRefused
from moorage.oauth.model import Client
from moorage.oauth.tokens.renewal import Held, Renewals
from moorage.oauth.transport.authorization_server import AccountsServers
from moorage.oauth.transport.contract import Reply, Unanswered
from moorage.single_flight import SingleFlight
from moorage.vault.errors import VaultLocked

VISIT_SECONDS = 4.0  # How long each side may take to answer.
_NOT_ASKED = Client("", "")  # Where it does not matter what we are known by.


@dataclass(frozen=True, slots=True)
class Diagnosis:
    connection: Connection
    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether calls go through it, as far as could be seen."""
        return self.connection.status == "ACTIVE" and all(one.severity != "problem" for one in self.findings)


class Diagnoses:
    def __init__(
        self,
        renewals: Renewals,
        providers: Providers,
        places: Places,
        accounts: AccountsServers,
        clock: Clock,
    ) -> None:
        self._renewals = renewals
        self._providers = providers
        self._places = places
        self._accounts = accounts
        self._clock = clock
        self._running = SingleFlight[Diagnosis]()

    async def diagnose(self, connection: Connection) -> Diagnosis:
        """What there is to say of a connection. Those who ask at once share one look, even if one of them goes away."""
        key = (connection.id, connection.updated)
        return await self._running.do(key, lambda: self._diagnose(connection))

    async def _diagnose(self, connection: Connection) -> Diagnosis:
        try:
            provider = self._providers.get(connection.app)
        except AppUnknown as error:
            evidence = "The connection was made while there was one."
            found = Finding(error.code, "problem", error.message, evidence, "Put the app's file back.")
            return Diagnosis(connection, (found,))
        place, astray = self._place(connection)
        held = await self._held(connection)
        client = await self._client(connection, place)
        visits = await self._visits(place, held if connection.status == "ACTIVE" else None)
        now = self._clock.timestamp()
        case = Case(connection, provider, now, place, astray, held, client is not None, visits)
        kept = (held.access, held.refresh) if held is not None else ()
        secrets = [one.value for one in kept if one is not None]
        secrets += [client.client_secret] if client is not None and client.client_secret else []
        return Diagnosis(connection, tuple(one.without(secrets) for one in findings(case)))

    def _place(self, connection: Connection) -> tuple[Place | None, str | None]:
        """Where it leads, if anywhere; else why that can't be said, of one that was connected."""
        if connection.upstream is None:
            return None, None
        try:
            return self._places.where(connection), None
        except TokenRefused as refused:
            return None, refused.reason

    async def _held(self, connection: Connection) -> Held | None:
        try:
            return await self._renewals.held(connection)
        except VaultLocked:
            return None

    async def _client(self, connection: Connection, place: Place | None) -> Client | None:
        """What we are known by where it leads, or could lead; None if the operator has yet to say."""
        try:
            if place is not None and not place.embedded:
                return await self._places.client(place)
        except VaultLocked:  # That is found by the connection's own secrets.
            return _NOT_ASKED
        if connection.upstream is None and not await self._places.choices(
            self._providers.get(connection.app)
        ):
            return None
        return _NOT_ASKED

    async def _visits(self, place: Place | None, held: Held | None) -> list[Visit]:
        """Ask the accounts server and the API once each, at the same time."""
        if place is None:
            return []
        asked = []
        if place.provider.signs_in and not place.embedded:
            asked.append(self._visit("accounts", f"{place.tokens}/", self._accounts.greet(place.tokens)))
        access = held.usable(self._clock.timestamp()) if held is not None else None
        identity = next((one for one in place.provider.identity if one.path is not None), None)
        if access is not None and identity is not None:
            asking = self._accounts.ask(place, identity, access.value)
            asked.append(self._visit("api", f"{place.api}{identity.path}", asking, with_token=True))
        elif not place.embedded:
            asked.append(self._visit("api", f"{place.api}/", self._accounts.greet(place.api)))
        return await asyncio.gather(*asked)

    async def _visit(
        self, side: Side, url: str, asking: Awaitable[Reply], *, with_token: bool = False
    ) -> Visit:
        reply, silence = None, ""
        try:
            async with asyncio.timeout(VISIT_SECONDS):
                reply = await asking
        except Unanswered as error:
            silence = str(error)
        except TimeoutError:
            silence = f"{urlsplit(url).hostname} did not answer within {VISIT_SECONDS:.0f} seconds."
        return Visit(side, url, self._clock.timestamp(), reply, silence, with_token)


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as programs read it."""
    connection = diagnosis.connection
    return {
        "connection_id": connection.id,
        "app": connection.app,
        "status": connection.status,
        "healthy": diagnosis.is_healthy,
        "findings": [asdict(finding) for finding in diagnosis.findings],
    }
