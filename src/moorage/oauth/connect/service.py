"""Connects a connection: sends a person to an accounts server, and exchanges the code that the person brings back."""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from moorage.connections.errors import SessionInvalid
from moorage.connections.model import Connection
from moorage.connections.return_urls import Result, ReturnUrls
from moorage.connections.service import Connections
from moorage.digests import challenge_of
from moorage.logs import Log
from moorage.oauth.apps.destinations import Choice, Destination, Destinations
from moorage.oauth.apps.model import ApiEnvironment, Provider
from moorage.oauth.apps.providers import Providers
from moorage.oauth.connect.attempts import CONNECTED, Attempt, Attempts, verifier_of
from moorage.oauth.connect.facts import granted_scopes, metadata_of
from moorage.oauth.errors import (
    AttemptInvalid,
    ConnectFailed,
    ConnectRefused,
    TokenFailed,
    TokenRefused,
)
from moorage.oauth.model import AccessToken, Minted, is_visible
from moorage.oauth.tokens.service import Tokens
from moorage.oauth.tokens.unwritten import Unwritten
from moorage.oauth.transport.authorization_server import AuthorizationServers, authorize_url
from moorage.oauth.transport.refusal_codes import reason
from moorage.storage import Database, Transaction
from moorage.web.browser import is_random, new_random

OUTCOME_SECONDS = 12.0  # A response that is sent twice waits this long for the outcome of the first one.
POLL_SECONDS = 0.1
MAX_KEY = 4096

log = Log(__name__)


class Offer(msgspec.Struct, frozen=True):
    """The choices on the connect page. `back` is where a person goes who connects nothing; None for nowhere."""

    connection: Connection
    provider: Provider
    choices: list[Choice]
    environments: list[ApiEnvironment]
    back: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """The parameters with which an accounts server sends a person back (RFC 6749, 4.1.2)."""

    state: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    location: str | None = None
    servers: Mapping[str, str] = field(default_factory=dict)


class Connected(msgspec.Struct, frozen=True):
    """The facts about a connected account, such as `organisation`, `user`, `data_centre`, `scopes_missing`.

    `back` is where the person goes now; None for the page that says it.
    """

    provider: Provider
    metadata: Mapping[str, Any]
    back: str | None = None


class Connect:
    """Connects connections: offers destinations, sends people to accounts servers, and takes the answers.

    `unwritten` completes the writing of tokens that the database does not accept at once. `returns` knows where people
    may be sent afterwards.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections,
        tokens: Tokens,
        providers: Providers,
        destinations: Destinations,
        servers: AuthorizationServers,
        unwritten: Unwritten,
        returns: ReturnUrls,
    ) -> None:
        self._database = database
        self._connections = connections
        self._tokens = tokens
        self._providers = providers
        self._destinations = destinations
        self._servers = servers
        self._unwritten = unwritten
        self._returns = returns
        self._attempts = Attempts(database)

    async def offer(self, session_token: str) -> Offer:
        """The choices for the person with this session token. Raises SessionInvalid, SessionExpired, ConnectRefused."""
        connection = await self._connections.of_session(session_token)
        provider = self._providers.get(connection.app)
        choices = await self._destinations.offered(provider, embedded=connection.embedded)
        if not choices:
            raise ConnectRefused(
                f"{provider.title} can't be connected yet: it has no destination.",
                help=self._how_to_begin(provider),
            )
        outside = any(not choice.embedded for choice in choices)
        environments = provider.environments if outside else []
        return Offer(connection, provider, choices, environments, self._back(connection, "FAILED"))

    def _how_to_begin(self, provider: Provider) -> str:
        """The steps for the operator before the app can be connected."""
        if not provider.signs_in:
            return "The app's file has no page for sign-ins: see `moorage help apps`."
        outside = (
            "The operator registers an OAuth client in the app's developer console, with the callback URL"
            f" {self._destinations.callback}, and runs `moorage client set {provider.name}`."
        )
        inside = (
            " For an organisation of the CRM inside this Moorage, make the connection with"
            f" `moorage connection create {provider.name} --embedded`."
        )
        return outside + (inside if provider.embedded == "crm" else "")

    async def begin(
        self,
        session_token: str,
        *,
        choice: str,
        environment: str,
        scopes: Sequence[str],
        browser: str,
        reads_only: bool = False,
    ) -> str:
        """Begin an attempt, and return the URL to which the browser has to go. `browser` is the value of its cookie.

        With `reads_only`, the app's scopes for reading are requested instead of the ticked ones. Raises the errors of
        `offer`, and VaultLocked.
        """
        offer = await self.offer(session_token)
        await self._tokens.require_keepable()
        provider = offer.provider
        if provider.method == "API_KEY":
            raise ConnectRefused(
                f"{provider.title} is connected with a key.", help="Go back and paste the key."
            )
        destination = await self._destinations.get(provider, _offered(choice, offer.choices), environment)
        requested = [scope for scope in provider.scopes if scope in scopes]
        if reads_only and provider.read_scopes:
            requested = list(provider.read_scopes)
        if provider.scopes and not requested:
            raise ConnectRefused("No scope was ticked.", help="Go back and tick what the connection may do.")
        state = new_random()
        connection = (offer.connection.id, offer.connection.generation)
        await self._attempts.begin(
            state, browser, connection=connection, choice=choice, environment=environment, scopes=requested
        )
        return authorize_url(
            destination,
            state=state,
            challenge=challenge_of(verifier_of(state, browser)),
            redirect_uri=self._destinations.callback,
            scopes=requested,
        )

    async def finish(self, response: AuthorizationResponse, browser: str | None) -> Connected:
        """Activate the connection for which a person comes back.

        Raises AttemptInvalid if this browser was not sent away, ConnectFailed, ConnectRefused, and VaultLocked. After
        VaultLocked the same response may be sent again.
        """
        attempt = None
        if browser is not None and is_random(response.state):
            attempt = await self._attempts.take(response.state, browser, self._tokens.require_keepable)
        if attempt is None or browser is None:
            raise AttemptInvalid(
                "This response does not belong to a sign-in that began here.",
                help="Open the link and sign in with the same browser, within ten minutes, and allow cookies."
                " Ask for the connection again and open its url.",
            )
        if not attempt.is_first_use:
            return await self._outcome(response.state, attempt)
        try:
            return await self._connected(attempt, response, browser)
        except TokenRefused as refused:
            await self._note_refusal(attempt, response.state, refused.reason)
            raise _failure(refused.reason, *await self._ways_on(attempt)) from refused
        except TokenFailed as failed:
            await self._settle(attempt, response.state, "accounts_silent", str(failed))
            again, back = await self._ways_on(attempt)
            cause = reason("accounts_silent").cause
            raise ConnectFailed(cause, help=f"{failed} Try again.", again=again, back=back) from failed
        except (AttemptInvalid, ConnectRefused, SessionInvalid) as error:
            await self._settle(attempt, response.state, error.code, error.message)
            raise

    async def paste(self, session_token: str, choice: str, key: str) -> Connected:
        """Connect with an API key of the app. Raises the errors of `offer`, and ConnectFailed."""
        offer = await self.offer(session_token)
        key = key.strip()
        if offer.provider.method != "API_KEY":
            raise ConnectRefused(
                f"{offer.provider.title} is not connected with a key.", help="Go back and sign in."
            )
        if not is_visible(key) or len(key) > MAX_KEY:
            raise ConnectRefused(
                "This is not a key.", help="Go back and paste the whole key, and nothing else."
            )
        await self._tokens.require_keepable()
        destination = await self._destinations.get(
            offer.provider, _offered(choice, offer.choices), "production"
        )
        minted = Minted(AccessToken(key, None))
        try:
            facts = await self._servers.identity(destination, minted)
            silence = await self._servers.silence(destination, minted) if not facts else None
            if silence is not None:
                facts = {"not_verified": silence}
        except TokenRefused as refused:
            again, back = self._connections.url(offer.connection), self._back(offer.connection, "FAILED")
            raise _failure("key_refused", again, back) from refused
        return await self._activate(offer.connection, destination, minted, metadata_of(destination, facts))

    async def activate(self, connection: Connection, destination: Destination, minted: Minted) -> None:
        """Connect with tokens that need no person's consent, such as those of the demo organisation."""
        facts = await self._servers.identity(destination, minted)
        scopes = granted_scopes(minted) or list(destination.provider.scopes)
        await self._activate(connection, destination, minted, metadata_of(destination, facts, scopes, scopes))

    async def _connected(self, attempt: Attempt, response: AuthorizationResponse, browser: str) -> Connected:
        connection = await self._connectable(attempt)
        provider = self._providers.get(connection.app)
        sent_to = await self._destinations.get(provider, attempt.choice, attempt.environment)
        if response.error is not None or response.code is None:
            raise TokenRefused((response.error or "invalid_code")[:100])
        destination = await self._destinations.answered(
            sent_to, attempt.environment, response.location, response.servers
        )
        verifier = verifier_of(response.state, browser)
        minted = await self._servers.exchange(
            destination, response.code, verifier, self._destinations.callback
        )
        if minted.refresh_token is None and provider.refreshes:
            raise TokenRefused("no_refresh_token")
        if minted.refresh_token is None and "expires_in" not in minted.answer:
            minted = replace(minted, access=replace(minted.access, expires_at=None))
        destination = self._destinations.settled(destination, minted)
        facts = await self._servers.identity(destination, minted)
        metadata = metadata_of(destination, facts, granted_scopes(minted) or attempt.scopes, attempt.scopes)
        return await self._activate(connection, destination, minted, metadata, state=response.state)

    async def _connection(self, attempt: Attempt) -> Connection | None:
        """The connection of an attempt, as it is now."""
        async with self._database.reading() as tx:
            return await self._connections.find_in(tx, attempt.connection_id)

    async def _connectable(self, attempt: Attempt) -> Connection:
        """The connection of an attempt. Raises AttemptInvalid if it was connected or deleted meanwhile."""
        connection = await self._connection(attempt)
        if connection is None or connection.generation != attempt.generation:
            raise AttemptInvalid(
                "The connection was connected or deleted meanwhile.", help="Nothing else was changed."
            )
        return connection

    async def _activate(
        self,
        connection: Connection,
        destination: Destination,
        minted: Minted,
        metadata: Mapping[str, Any],
        state: str | None = None,
    ) -> Connected:
        async def keep(tx: Transaction) -> None:
            await self._tokens.keep(tx, connection.id, minted.access, minted.refresh_token)
            if state is not None:
                await self._attempts.settle_in(tx, state, CONNECTED)

        # In one transaction, because two people may use one link at the same time. Then the tokens of the later one
        # must not stay.
        def activate() -> Awaitable[None]:
            return self._connections.activate(connection, destination.upstream, dict(metadata), also=keep)

        if state is None:  # These tokens needed no consent, so new ones can be made at any time.
            await activate()
        else:
            await self._unwritten.commit(connection.id, activate)
        log.info("connection.connected", connection=connection.id, app=connection.app)
        return Connected(destination.provider, metadata, self._back(connection, "ACTIVE"))

    async def _outcome(self, state: str, attempt: Attempt) -> Connected:
        """The outcome of the attempt's first response, for a browser that sends the response twice."""
        end = time.monotonic() + OUTCOME_SECONDS
        latest: Attempt | None = attempt
        while latest is not None and latest.outcome is None and time.monotonic() < end:
            await asyncio.sleep(POLL_SECONDS)
            latest = await self._attempts.look(state)
        connection = await self._connection(attempt)
        if latest is not None and connection is not None and latest.outcome == CONNECTED:
            provider = self._providers.get(connection.app)
            return Connected(provider, connection.metadata, self._back(connection, "ACTIVE"))
        if latest is not None and latest.outcome is not None:
            raise _failure(latest.outcome, *await self._ways_on(attempt))
        raise AttemptInvalid(
            "This response was used already.", help="Ask for the connection again and open its url."
        )

    async def _settle(self, attempt: Attempt, state: str, code: str, reason: str) -> None:
        """Note that an attempt has failed for a reason that does not concern the connection."""
        log.warning("connect.failed", connection=attempt.connection_id, code=code, reason=reason)
        async with self._database.transaction() as tx:
            await self._attempts.settle_in(tx, state, code)

    async def _note_refusal(self, attempt: Attempt, state: str, code: str) -> None:
        """Note the refusal in the attempt, and in the connection unless it is ACTIVE."""
        log.warning("connect.refused", connection=attempt.connection_id, reason=code)
        async with self._database.transaction() as tx:
            await self._attempts.settle_in(tx, state, code)
            connection = await self._connections.find_in(tx, attempt.connection_id)
            is_same = connection is not None and connection.generation == attempt.generation
            if connection is not None and is_same and connection.status != "ACTIVE":
                await self._connections.fail_in(tx, connection, code)

    async def _ways_on(self, attempt: Attempt) -> tuple[str | None, str | None]:
        """The URL where the same person can try again, and the one to go back.

        Both are None if the connection was connected meanwhile.
        """
        connection = await self._connection(attempt)
        if connection is None or connection.generation != attempt.generation:
            return None, None
        return self._connections.url(connection), self._back(connection, "FAILED")

    def _back(self, connection: Connection, result: Result) -> str | None:
        return self._returns.after(connection.return_url, connection.id, result)


def _offered(choice: str, choices: Sequence[Choice]) -> str:
    """The choice, if the page has offered it. Otherwise raises ConnectRefused."""
    if choice not in {offered.key for offered in choices}:
        raise ConnectRefused(
            "There is no such organisation or data centre.", help="Go back and choose one from the list."
        )
    return choice


def _failure(code: str, again: str | None, back: str | None) -> ConnectFailed:
    meaning = reason(code)
    return ConnectFailed(meaning.cause, help=meaning.fix, again=again, back=back)
