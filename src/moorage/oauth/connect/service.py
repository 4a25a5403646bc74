"""Connect a connection: send a person to an accounts server, and take in what they bring back."""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from moorage.connections.errors import SessionInvalid
from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.oauth.apps.destinations import Choice, Place, Places
from moorage.oauth.apps.providers import Environment, Provider, Providers
from moorage.oauth.connect.attempts import (
    CONNECTED,
    Attempt,
    Attempts,
    challenge_of,
    is_random,
    new_random,
    verifier_of,
)
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
from moorage.oauth.transport.authorization_server import AccountsServers, authorize_url
from moorage.oauth.transport.refusal_codes import reason
from moorage.storage import Database, Transaction

PATIENCE_SECONDS = 12.0  # How long a second answer waits for what the first one comes to.
POLL_SECONDS = 0.1
MAX_KEY = 4096

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page shows a person before they go on."""

    connection: Connection
    provider: Provider
    choices: list[Choice]
    environments: list[Environment]


@dataclass(frozen=True, slots=True)
class Brought:
    """What a person brings back from an accounts server, by the names of the callback's parameters."""

    state: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    location: str | None = None
    servers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connected:
    """Whose account it is, as far as the app told: `organisation`, `user`, `data_centre`, `scopes_missing`…"""

    provider: Provider
    metadata: Mapping[str, Any]


class Connect:
    def __init__(
        self,
        database: Database,
        connections: Connections,
        tokens: Tokens,
        providers: Providers,
        places: Places,
        accounts: AccountsServers,
        unwritten: Unwritten,
    ) -> None:
        self._database = database
        self._connections = connections
        self._tokens = tokens
        self._providers = providers
        self._places = places
        self._accounts = accounts
        self._unwritten = unwritten
        self._attempts = Attempts(database)

    async def ask(self, session_token: str) -> Asked:
        """What a person is asked to choose. Raises SessionInvalid, SessionExpired, ConnectRefused."""
        connection = await self._connections.of_session(session_token)
        provider = self._providers.get(connection.app)
        choices = await self._places.offered(provider, embedded=connection.embedded)
        if not choices:
            raise ConnectRefused(
                f"There is nothing to connect {provider.title} to yet.", help=self._how_to_begin(provider)
            )
        outside = any(not choice.embedded for choice in choices)
        return Asked(connection, provider, choices, provider.environments if outside else [])

    def _how_to_begin(self, provider: Provider) -> str:
        """What the operator has to do before an app can be connected."""
        if not provider.signs_in:
            return "Its file says no place where people sign in: see `moorage help apps`."
        outside = (
            "The operator registers an OAuth client in the app's developer console, with the callback URL"
            f" {self._places.callback}, and runs `moorage client set {provider.name}`."
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
        place: str,
        environment: str,
        scopes: Sequence[str],
        browser: str,
        reads_only: bool = False,
    ) -> str:
        """Where to send the browser, which is known by a cookie. Raises what `ask` raises, and VaultLocked.

        With `reads_only` the app's scopes for reading are asked for, in place of those that were ticked.
        """
        asked = await self.ask(session_token)
        await self._tokens.require_keepable()
        provider = asked.provider
        if provider.method == "API_KEY":
            raise ConnectRefused(f"{provider.title} is connected with a key.", help="Go back and paste it.")
        chosen = await self._places.get(provider, _offered(place, asked.choices), environment)
        wanted = [scope for scope in provider.scopes if scope in scopes]
        if reads_only and provider.read_scopes:
            wanted = list(provider.read_scopes)
        if provider.scopes and not wanted:
            raise ConnectRefused("Nothing would be allowed.", help="Go back and tick what may be done.")
        state = new_random()
        connection = (asked.connection.id, asked.connection.generation)
        await self._attempts.begin(
            state, browser, connection=connection, place=place, environment=environment, scopes=wanted
        )
        return authorize_url(
            chosen,
            state=state,
            challenge=challenge_of(verifier_of(state, browser)),
            redirect_uri=self._places.callback,
            scopes=wanted,
        )

    async def finish(self, brought: Brought, browser: str | None) -> Connected:
        """Activate the connection that a person comes back for.

        Raises AttemptInvalid for whoever was not sent away in this browser, ConnectFailed, ConnectRefused, and
        VaultLocked, after which the same answer may be brought again.
        """
        attempt = None
        if browser is not None and is_random(brought.state):
            attempt = await self._attempts.take(brought.state, browser, self._tokens.require_keepable)
        if attempt is None or browser is None:
            raise AttemptInvalid(
                "This answer does not belong to a sign-in that was begun here.",
                help="Links to connect have to be opened and ended in the same browser, within ten minutes, with"
                " cookies allowed. Ask for the connection again and open its url.",
            )
        if not attempt.is_first_use:
            return await self._outcome(brought.state, attempt)
        try:
            return await self._connected(attempt, brought, browser)
        except TokenRefused as refused:
            await self._failed(attempt, brought.state, refused.reason)
            raise _failure(refused.reason, await self._again(attempt)) from refused
        except TokenFailed as failed:
            await self._settle(attempt, brought.state, "accounts_silent", str(failed))
            again = await self._again(attempt)
            raise ConnectFailed(
                reason("accounts_silent").cause, help=f"{failed} Try again.", again=again
            ) from failed
        except (AttemptInvalid, ConnectRefused, SessionInvalid) as error:
            await self._settle(attempt, brought.state, error.code, error.message)
            raise

    async def paste(self, session_token: str, place: str, key: str) -> Connected:
        """Connect with an API key of the app's. Raises what `ask` raises, and ConnectFailed."""
        asked = await self.ask(session_token)
        key = key.strip()
        if asked.provider.method != "API_KEY":
            raise ConnectRefused(f"{asked.provider.title} takes no key.", help="Go back and sign in.")
        if not is_visible(key) or len(key) > MAX_KEY:
            raise ConnectRefused("That can't be a key.", help="Go back and paste it whole, and nothing else.")
        await self._tokens.require_keepable()
        chosen = await self._places.get(asked.provider, _offered(place, asked.choices), "production")
        minted = Minted(AccessToken(key, None))
        try:
            facts = await self._accounts.identity(chosen, minted)
            silence = await self._accounts.silence(chosen, minted) if not facts else None
            if silence is not None:
                facts = {"not_verified": silence}
        except TokenRefused as refused:
            raise _failure("key_refused", self._connections.url(asked.connection)) from refused
        return await self._activate(asked.connection, chosen, minted, _metadata(chosen, facts))

    async def activate(self, connection: Connection, place: Place, minted: Minted) -> None:
        """Connect with tokens that need no person's consent, as those of the organisation to try things out with."""
        facts = await self._accounts.identity(place, minted)
        scopes = list(place.provider.scopes)
        await self._activate(connection, place, minted, _metadata(place, facts, scopes, scopes))

    async def _connected(self, attempt: Attempt, brought: Brought, browser: str) -> Connected:
        connection = await self._connectable(attempt)
        provider = self._providers.get(connection.app)
        sent_to = await self._places.get(provider, attempt.place, attempt.environment)
        if brought.error is not None or brought.code is None:
            raise TokenRefused((brought.error or "invalid_code")[:100])
        place = await self._places.answered(sent_to, attempt.environment, brought.location, brought.servers)
        verifier = verifier_of(brought.state, browser)
        minted = await self._accounts.exchange(place, brought.code, verifier, self._places.callback)
        if minted.refresh_token is None and provider.refreshes:
            raise TokenRefused("no_refresh_token")
        if minted.refresh_token is None and "expires_in" not in minted.answer:
            minted = replace(minted, access=replace(minted.access, expires_at=None))
        place = self._places.settled(place, minted)
        facts = await self._accounts.identity(place, minted)
        metadata = _metadata(place, facts, _given(minted) or attempt.scopes, attempt.scopes)
        return await self._activate(connection, place, minted, metadata, state=brought.state)

    async def _connection(self, attempt: Attempt) -> Connection | None:
        """The connection that an attempt is about, as it is now."""
        async with self._database.reading() as tx:
            return await self._connections.find_in(tx, attempt.connection_id)

    async def _connectable(self, attempt: Attempt) -> Connection:
        """The same, as long as nobody connected it meanwhile. Raises AttemptInvalid."""
        found = await self._connection(attempt)
        if found is None or found.generation != attempt.generation:
            raise AttemptInvalid(
                "The connection was connected or deleted meanwhile.", help="Nothing else was changed."
            )
        return found

    async def _activate(
        self,
        connection: Connection,
        place: Place,
        minted: Minted,
        metadata: Mapping[str, Any],
        state: str | None = None,
    ) -> Connected:
        async def keep(tx: Transaction) -> None:
            await self._tokens.keep(tx, connection.id, minted.access, minted.refresh_token)
            if state is not None:
                await self._attempts.settle_in(tx, state, CONNECTED)

        # Together or not at all: of two who use one link at once, the later one must not leave its tokens behind.
        def activate() -> Awaitable[None]:
            return self._connections.activate(connection, place.upstream, dict(metadata), also=keep)

        if state is None:  # No tokens of a person's consent, and so none that could not be had again.
            await activate()
        else:
            await self._unwritten.commit(connection.id, activate)
        log.info("connection.connected", connection=connection.id, app=connection.app)
        return Connected(place.provider, metadata)

    async def _outcome(self, state: str, attempt: Attempt) -> Connected:
        """What the first answer of the same attempt came to, for a browser that sends it twice."""
        end = time.monotonic() + PATIENCE_SECONDS
        found: Attempt | None = attempt
        while found is not None and found.outcome is None and time.monotonic() < end:
            await asyncio.sleep(POLL_SECONDS)
            found = await self._attempts.look(state)
        connection = await self._connection(attempt)
        if found is not None and connection is not None and found.outcome == CONNECTED:
            return Connected(self._providers.get(connection.app), connection.metadata)
        if found is not None and found.outcome is not None:
            raise _failure(found.outcome, await self._again(attempt))
        raise AttemptInvalid(
            "This answer was used already.", help="Ask for the connection again and open its url."
        )

    async def _settle(self, attempt: Attempt, state: str, code: str, why: str) -> None:
        """Note that an attempt came to nothing, which says nothing about the connection."""
        log.warning("connect.failed", connection=attempt.connection_id, code=code, reason=why)
        async with self._database.transaction() as tx:
            await self._attempts.settle_in(tx, state, code)

    async def _failed(self, attempt: Attempt, state: str, code: str) -> None:
        """Note why an attempt came to nothing, in the connection too. One that works goes on as it was."""
        log.warning("connect.refused", connection=attempt.connection_id, reason=code)
        async with self._database.transaction() as tx:
            await self._attempts.settle_in(tx, state, code)
            found = await self._connections.find_in(tx, attempt.connection_id)
            if found is not None and found.generation == attempt.generation and found.status != "ACTIVE":
                await self._connections.fail_in(tx, found, code)

    async def _again(self, attempt: Attempt) -> str | None:
        """Where the same person can try once more, as long as nobody connected it meanwhile."""
        found = await self._connection(attempt)
        if found is None or found.generation != attempt.generation:
            return None
        return self._connections.url(found)


def _offered(place: str, choices: Sequence[Choice]) -> str:
    """A place that the page showed: what it hid can't be named either. Raises ConnectRefused."""
    if place not in {choice.key for choice in choices}:
        raise ConnectRefused(
            "There is no such organisation or data centre.", help="Go back and choose one from the list."
        )
    return place


def _failure(code: str, again: str | None) -> ConnectFailed:
    meaning = reason(code)
    return ConnectFailed(meaning.cause, help=meaning.fix, again=again)


def _metadata(
    place: Place, facts: Mapping[str, str], given: Sequence[str] = (), wanted: Sequence[str] = ()
) -> dict[str, Any]:
    """What is known of a connection: whose account, where it lives, which scopes it was given and which it was not."""
    names = {scope.lower() for scope in given}
    missing = [scope for scope in wanted if scope.lower() not in names]
    environment = place.environment
    return {
        **facts,
        "data_centre": "embedded" if place.embedded else place.upstream.data_centre,
        **({"environment": environment} if environment != "production" else {}),
        **({"scopes": list(given)} if given else {}),
        **({"scopes_missing": missing} if missing else {}),
    }


def _given(minted: Minted) -> list[str]:
    """The scopes that the answer says were given; none if it says nothing."""
    given = minted.answer.get("scope")
    return given.replace(",", " ").split() if isinstance(given, str) else []
