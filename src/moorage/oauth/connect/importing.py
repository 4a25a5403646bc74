"""Brings in tokens that were obtained elsewhere: they are tried first, and kept only if they work.

A refresh token is tried by making an access token with it, and an access token by the call that tells whose account it
is. So a connection never begins with tokens that nobody has seen working.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moorage.connections.labels import Labels
from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.http.errors import BodyInvalid
from moorage.logs import Log
from moorage.oauth.apps.destinations import DETECT, Destination, Destinations
from moorage.oauth.apps.model import Identity, Provider
from moorage.oauth.apps.providers import Providers
from moorage.oauth.connect.facts import granted_scopes, metadata_of
from moorage.oauth.errors import ConnectRefused, ImportRefused, ImportUnverified, TokenFailed, TokenRefused
from moorage.oauth.model import AccessToken, Minted
from moorage.oauth.tokens.service import Tokens
from moorage.oauth.tokens.unwritten import Unwritten
from moorage.oauth.transport.authorization_server import AuthorizationServers, error_code_of, silence_of
from moorage.oauth.transport.contract import Unanswered
from moorage.oauth.transport.refusal_codes import RECONNECT, SCOPE_MISMATCH, reason
from moorage.storage import Transaction

_OTHER_TOKENS = (
    "Nothing was kept. Bring other tokens, or name their data centre. They have to be of the client that"
    " `moorage client list` shows for it."
)

log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a caller brings: tokens, and where they are from. `expires_in` is that of the access token, in seconds.

    `organisation` is one of the embedded CRM; otherwise the tokens are of an account outside.
    """

    app: str
    refresh_token: str | None = field(repr=False)
    access_token: str | None = field(repr=False)
    expires_in: int | None
    data_centre: str | None
    environment: str
    organisation: str | None


class Importing:
    """`now` is in seconds since the epoch."""

    def __init__(
        self,
        connections: Connections,
        tokens: Tokens,
        providers: Providers,
        destinations: Destinations,
        servers: AuthorizationServers,
        unwritten: Unwritten,
        now: Callable[[], float],
    ) -> None:
        self._connections = connections
        self._tokens = tokens
        self._providers = providers
        self._destinations = destinations
        self._servers = servers
        self._unwritten = unwritten
        self._now = now

    async def import_tokens(
        self, account_id: str, brought: Brought, *, asked_by: str, labels: Labels
    ) -> Connection:
        """A new ACTIVE connection with these tokens.

        Raises AliasTaken, BodyInvalid, ConnectRefused, ImportRefused, ImportUnverified, OrganisationUnknown,
        VaultLocked. Then nothing is kept.
        """
        await self._tokens.require_keepable()
        provider = self._providers.get(brought.app)
        destination = await self._destination(provider, brought)
        # The connection comes first, because it takes the alias: a refresh token may work only once, so it must not be
        # tried for a connection that can't be made.
        connection = await self._connections.create(
            account_id, brought.app, provider.method, asked_by=asked_by, labels=labels
        )
        try:
            destination, minted = await self._tried(destination, brought)
            facts = await self._verified(destination, minted)
        except BaseException:
            await self._connections.withdraw(connection)
            raise
        metadata = metadata_of(destination, facts, granted_scopes(minted)) | {"imported": True}
        if minted.refresh_token is None and provider.method == "OAUTH2":
            metadata["not_renewable"] = True
        await self._keep(connection, destination, minted, metadata)
        log.info("connection.imported", connection=connection.id, app=connection.app)
        return await self._connections.get(account_id, connection.id)

    async def _destination(self, provider: Provider, brought: Brought) -> Destination:
        if brought.refresh_token is not None and not provider.signs_in:
            raise BodyInvalid(f"{provider.title} has no refresh tokens.", help="Bring an access_token.")
        if brought.organisation is not None:
            if provider.embedded != "crm":
                raise BodyInvalid(
                    f"{provider.title} has no organisations here.", help="Leave organisation out."
                )
            return await self._destinations.inside(provider, brought.organisation)
        choices = await self._destinations.choices(provider)
        centres = [choice.key for choice in choices if not choice.embedded and choice.key != DETECT]
        if not centres:
            raise ConnectRefused(
                f"{provider.title} has no OAuth client here, and no connection is made without it.",
                help=f"The operator sets the one that the tokens were made for: `moorage client set {provider.name}`.",
            )
        centre = brought.data_centre or (centres[0] if len(centres) == 1 else None)
        if centre not in centres:
            raise BodyInvalid(
                f"data_centre has to be one of {', '.join(centres)}.",
                help="Name the data centre of the account. For others the operator has set no OAuth client.",
            )
        return await self._destinations.get(provider, centre, brought.environment)

    async def _tried(self, destination: Destination, brought: Brought) -> tuple[Destination, Minted]:
        """The tokens to keep, and the destination that the accounts server names for them."""
        try:
            if brought.refresh_token is None:
                ends = None if brought.expires_in is None else self._now() + brought.expires_in
                return destination, Minted(AccessToken(brought.access_token or "", ends))
            minted = await self._servers.mint(destination, brought.refresh_token)
            if minted.refresh_token is None:
                minted = replace(minted, refresh_token=brought.refresh_token)
            return self._destinations.settled(destination, minted), minted
        except TokenRefused as refused:
            raise _refusal(refused.reason) from refused
        except TokenFailed as failed:
            raise ImportUnverified(str(failed)) from failed

    async def _verified(self, destination: Destination, minted: Minted) -> Mapping[str, str]:
        """Whose account the access token is for. Raises ImportRefused, ImportUnverified."""
        check = destination.provider.token_check
        if check is not None:
            await self._require_accepted(destination, check, minted)
        elif minted.refresh_token is None:
            raise ImportRefused(
                "The app's file names no call that could try an access token.", help="Bring a refresh token."
            )
        try:
            return await self._servers.identity(destination, minted)
        except TokenRefused as refused:
            raise _refusal(refused.reason) from refused

    async def _require_accepted(self, destination: Destination, call: Identity, minted: Minted) -> None:
        try:
            reply = await self._servers.ask(destination, call, minted.access.value)
        except Unanswered as unanswered:
            raise ImportUnverified(str(unanswered)) from unanswered
        silence = silence_of(reply)
        if silence is not None:
            raise ImportUnverified(silence)
        code = error_code_of(reply)
        # A token without the right to make this call is a good token.
        if reply.status >= 300 and code != SCOPE_MISMATCH:
            raise _refusal(code or "key_refused")

    async def _keep(
        self, connection: Connection, destination: Destination, minted: Minted, metadata: dict[str, Any]
    ) -> None:
        def keep(tx: Transaction) -> Any:
            return self._tokens.keep(tx, connection.id, minted.access, minted.refresh_token)

        # The accounts server may have replaced the refresh token, so the new one must not be lost.
        await self._unwritten.commit(
            connection.id,
            lambda: self._connections.activate(connection, destination.upstream, metadata, also=keep),
        )


def _refusal(code: str) -> ImportRefused:
    meaning = reason(code)
    # What was made for the import is gone again, so there is nothing to connect again.
    fix = _OTHER_TOKENS if meaning.fix == RECONNECT else meaning.fix
    return ImportRefused(f"The tokens were not accepted ({code[:100]}). {meaning.cause}", help=fix)
