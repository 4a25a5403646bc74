"""Connect a connection to an organisation of the embedded CRM."""

import contextlib
from dataclasses import dataclass, field
from typing import Protocol

from moorage.connections.model import Connection, Upstream
from moorage.connections.service import Connections
from moorage.oauth.errors import ConnectRefused
from moorage.oauth.model import AccessToken
from moorage.oauth.providers import Provider, Providers
from moorage.oauth.tokens import Tokens
from moorage.vault.errors import VaultLocked


@dataclass(frozen=True, slots=True)
class OrganisationChoice:
    """An organisation that a connection may lead to; `id` is its slug."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Granted:
    """Tokens, and the user they stand for."""

    access: AccessToken
    refresh_token: str = field(repr=False)
    user: str


class EmbeddedAccounts(Protocol):
    """The embedded CRM's accounts server, as connecting needs it."""

    def organisations(self) -> list[OrganisationChoice]: ...

    def grant(self, organisation: str, scopes: list[str]) -> Granted:
        """Tokens of the organisation's first user. Raises OrganisationUnknown."""

    def revoke(self, refresh_token: str) -> None:
        """Make a grant's tokens worthless."""


class Connect:
    """`open_to_all` is set when only this machine reaches the server, whose user may then enter any organisation."""

    def __init__(
        self,
        connections: Connections,
        tokens: Tokens,
        providers: Providers,
        accounts: EmbeddedAccounts,
        *,
        open_to_all: bool,
    ) -> None:
        self._connections = connections
        self._tokens = tokens
        self._providers = providers
        self._accounts = accounts
        self._open_to_all = open_to_all

    async def begin(self, session_token: str) -> tuple[Connection, Provider, list[OrganisationChoice]]:
        """What a person is asked to agree to. Raises SessionInvalid, SessionExpired, ConnectRefused."""
        connection = await self._connections.of_session(session_token)
        provider = self._providers.get(connection.app)
        if provider.embedded != "crm":
            raise ConnectRefused(
                f"{provider.title} can't be connected from this page yet.",
                help="This version connects apps that the embedded CRM serves.",
            )
        if not self._open_to_all:
            raise ConnectRefused(
                "This page works only on the machine that Moorage runs on.",
                help="Let Moorage listen on 127.0.0.1 and open the page there.",
            )
        organisations = self._accounts.organisations()
        if not organisations:
            raise ConnectRefused(
                "There is no organisation to connect to.", help="`moorage crm org create NAME` makes one."
            )
        return connection, provider, organisations

    async def finish(self, session_token: str, organisation: str) -> OrganisationChoice:
        """Activate the connection of a session. Raises what `begin` raises, and ConnectRefused."""
        connection, _, choices = await self.begin(session_token)
        chosen = next((one for one in choices if one.id == organisation), None)
        if chosen is None:
            raise ConnectRefused(
                "There is no such organisation.", help="Go back and choose one from the list."
            )
        await self.activate(connection, chosen)
        return chosen

    async def activate(self, connection: Connection, chosen: OrganisationChoice) -> None:
        """Give a connection tokens of an organisation and make it ACTIVE."""
        provider = self._providers.get(connection.app)
        granted = self._accounts.grant(chosen.id, list(provider.scopes))
        metadata = {"organisation": chosen.name, "user": granted.user, "data_centre": "embedded"}
        # Together or not at all: of two who use one link at once, the later one must not leave its tokens behind.
        await self._connections.activate(
            connection,
            Upstream("embedded", organisation=chosen.id),
            metadata,
            also=lambda tx: self._tokens.keep(tx, connection.id, granted.access, granted.refresh_token),
        )

    async def disconnect(self, account_id: str, connection_id: str) -> Connection:
        """Delete a connection with its tokens, which are worth nothing from then on. Raises ConnectionUnknown."""
        found = await self._connections.get(account_id, connection_id)
        refresh_token = None
        with contextlib.suppress(VaultLocked):  # What can't be opened can still be thrown away.
            refresh_token = await self._tokens.refresh_token(found)
        await self._connections.delete(found, also=lambda tx: self._tokens.forget(tx, found.id))
        if refresh_token is not None:
            self._accounts.revoke(refresh_token)
        return found
