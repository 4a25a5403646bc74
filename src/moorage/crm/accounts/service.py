"""Makes, refreshes, revokes and recognises tokens, within the limits of [Z token-validity]."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from moorage.bounded import Bounded
from moorage.clock import SKEW, Clock, is_ahead
from moorage.crm.accounts.errors import (
    ClientUnknown,
    OwnerGone,
    RefreshTokenUnknown,
    SecretWrong,
    TooManyTokens,
)
from moorage.crm.accounts.model import Client, Grant
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.centres import ANYWHERE, Site
from moorage.crm.faults import authentication_failure, invalid_token
from moorage.crm.wire.principal import Principal
from moorage.crm.wire.scopes import FULL, ScopeSet
from moorage.digests import digest_of

ACCESS_LIFETIME = 3600  # seconds
LIVE_ACCESS_TOKENS = 15  # For each refresh token. The next access token deletes the oldest, as with Zoho.
# The next two limits are for registered clients. A client of Moorage itself, such as that of the gateway, serves many
# callers, and none of them may use up the limit of the others.
NEW_ACCESS_TOKENS = 10  # For each refresh token, in ten minutes.
# For each user and client. The next refresh token deletes the oldest with its access tokens.
REFRESH_TOKENS = 20
CACHE_SIZE = 10_000
LONGEST_AUTHORIZATION = 1024  # Characters. Every token is much shorter.


@dataclass(frozen=True, slots=True)
class Issued:
    """New tokens. `refresh_token` is empty if the client gets none. The tokens open the data of `organisation`."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scopes: ScopeSet
    organisation: int
    user: int
    centre: str  # The organisation's data centre.
    nonce: str | None = field(default=None, repr=False)  # The nonce of the code, if there was a code.


class Accounts:
    """Client secrets are derived from `secret_key`, so none of them is stored.

    The principals of tokens are remembered, so most calls need not wait for the database.
    """

    def __init__(self, store: AccountsStore, secret_key: bytes, clock: Clock) -> None:
        self._store = store
        self._key = secret_key
        self._clock = clock
        self._principals = Bounded[bytes, Principal](CACHE_SIZE)  # By the digest of the access token.
        # The store's count of changes, at the time of the oldest remembered principal.
        self._token_changes = 0

    def remembered(self, authorization: str | None) -> Principal | None:
        """The principal of an Authorization header, if it is in memory; otherwise None, and `principal` looks it up.

        Raises the fault of a missing or an expired token.
        """
        digest = digest_of(_token_of(authorization))
        if self._token_changes != self._store.token_changes:
            self.forget()
        principal = self._principals.get(digest)
        return None if principal is None else self._unexpired(principal)

    async def principal(self, authorization: str | None) -> Principal:
        """The principal of an Authorization header. Raises the fault of a missing or an invalid token."""
        principal = self.remembered(authorization)
        while principal is None:
            principal = await self._look_up(_token_of(authorization))
        return self._unexpired(principal)

    async def _look_up(self, token: str) -> Principal | None:
        """The principal of a token; None if tokens have changed meanwhile. Raises the fault of an unknown token."""
        digest, begun_at = digest_of(token), self._store.token_changes
        access = await self._store.access(digest)
        if begun_at != self._store.token_changes:
            return None
        if access is None:
            raise invalid_token(token)
        grant, scopes = access.grant, ScopeSet.parse(access.grant.scopes)
        principal = Principal(grant.organisation, grant.user, scopes, access.expires_at, access.centre)
        self._principals[digest] = principal
        return principal

    def _unexpired(self, principal: Principal) -> Principal:
        if not is_ahead(principal.expires_at, self._clock.timestamp(), ACCESS_LIFETIME + SKEW):
            raise invalid_token()
        return principal

    def changed(self) -> bool:
        """True if somebody has changed the database since the last call. Then the principals are forgotten."""
        changed = self._store.changed_elsewhere()
        if changed:
            self.forget()
        return changed

    def forget(self) -> None:
        """Forget the principals, so that each of them is looked up again."""
        self._principals.clear()
        self._token_changes = self._store.token_changes

    async def known_client(
        self, name: str, organisation: int, user: int, redirect_uri: str | None = None
    ) -> Client | None:
        """The client that `ensure_client` would return; None if that call would have to change something."""
        client = await self._store.client(self._client_id(name, organisation, user))
        if client is None or (redirect_uri is not None and client.redirect_uris != (redirect_uri,)):
            return None
        return client

    async def ensure_client(
        self, name: str, organisation: int, user: int, redirect_uri: str | None = None
    ) -> Client:
        """A client of Moorage itself that acts as a user. It is made if it does not exist; its id is always the same.

        With a redirect URI, the client can send people to the consent page. It replaces the URI of an earlier call.
        """
        existing = await self.known_client(name, organisation, user, redirect_uri)
        if existing is not None:
            return existing
        client_id = self._client_id(name, organisation, user)
        await self._store.add_client(client_id, organisation, user, name)
        if redirect_uri is not None:
            await self._store.set_redirect_uri(client_id, redirect_uri)
        client = await self._store.client(client_id)
        if client is None:
            raise OwnerGone
        return client

    def _client_id(self, name: str, organisation: int, user: int) -> str:
        return client_id_of(self._derive("client", f"{organisation} {user} {name}"))

    def client_secret(self, client_id: str) -> str:
        return self._derive("secret", client_id).hex()[:42]

    async def client_at(self, site: Site, client_id: str) -> Client:
        """A client of the data centre to which the request was sent. Raises ClientUnknown."""
        client = await self._store.client(client_id)
        if client is None or not site.admits(client.centre):
            raise ClientUnknown
        return client

    async def authenticate(self, site: Site, client_id: str, client_secret: str) -> Client:
        """The client with this id and secret. Raises ClientUnknown, SecretWrong."""
        client = await self.client_at(site, client_id)
        if not hmac.compare_digest(client_secret.encode(), self.client_secret(client_id).encode()):
            raise SecretWrong
        return client

    async def issue(self, client: Client, scopes: str = FULL) -> Issued:
        """New tokens for a client of Moorage itself. Raises ValueError for a text that is not a list of scopes."""
        grant = Grant(client.client_id, client.organisation, client.user, str(ScopeSet.parse(scopes)))
        return await self._issue(new_token(), client, grant)

    async def to_widen(self, name: str, least: str) -> dict[str, str]:
        """The lists of scopes of refresh tokens that cover `least` and lack some of all scopes; each with its new list.

        The tokens are those of Moorage's own clients with this name. `widen` gives them the new lists.
        """
        every, needed = ScopeSet.parse(FULL), ScopeSet.parse(least)
        held = {text: ScopeSet.parse(text) for text in await self._store.own_scopes(name)}
        lacking = [
            text for text, scopes in held.items() if scopes.covers(needed) and not scopes.covers(every)
        ]
        return dict.fromkeys(lacking, str(every))

    async def widen(self, name: str, wider: Mapping[str, str]) -> None:
        """Give the tokens of Moorage's own clients with this name the scopes that `to_widen` has told."""
        await self._store.change_own_scopes(name, wider)
        self.forget()

    async def grant(self, client: Client, grant: Grant) -> Issued:
        """A new refresh token and access token, as after a consent."""
        most = REFRESH_TOKENS if client.registered else None
        return await self._issue(new_token(), client, grant, most=most)

    async def grant_access(self, client: Client, grant: Grant) -> Issued:
        """A new access token without a refresh token. Raises TooManyTokens."""
        await self._count(client, f"{client.client_id} {grant.user}")
        # Each access token belongs to a refresh token. Nobody gets this refresh token, and nobody can guess it.
        unheld = self._derive("unheld", f"{client.client_id} {grant.user} {grant.scopes}").hex()
        return await self._access(unheld, client, grant, held=False)

    async def refresh(self, client: Client, refresh_token: str) -> Issued:
        """A new access token. Raises RefreshTokenUnknown, TooManyTokens."""
        digest = digest_of(refresh_token)
        grant = await self._store.grant_of(digest)
        if grant is None or grant.client != client.client_id:
            raise RefreshTokenUnknown
        await self._count(client, digest.hex())
        return await self._access(refresh_token, client, grant)

    async def _count(self, client: Client, subject: str) -> None:
        if not client.registered:
            return
        now = self._clock.timestamp()
        if not await self._store.admit("access", subject, now=now, most=NEW_ACCESS_TOKENS):
            raise TooManyTokens(
                "You have made too many requests continuously. Please try again after some time."
            )

    async def holds(self, client: Client, user: int, scopes: ScopeSet) -> bool:
        """True if the user gave the client all these scopes, and the client still has them."""
        scope_lists = await self._store.held_scopes(client.client_id, user)
        return any(ScopeSet.parse(names).covers(scopes) for names in scope_lists)

    async def is_live(self, token: str, site: Site = ANYWHERE) -> bool:
        """True if an access or refresh token exists in the data centre of the site."""
        centre = await self._store.centre_of_token(digest_of(token))
        return centre is not None and site.admits(centre)

    async def revoke(self, token: str, site: Site = ANYWHERE) -> bool:
        """Revoke an access or refresh token. False if it does not exist in the data centre of the site."""
        if not await self.is_live(token, site):
            return False
        return await self._store.remove(digest_of(token))

    async def credentials(self, organisation: int, user: int) -> dict[str, str]:
        """A self client with its tokens. Only the access token is new in each call."""
        client = await self.ensure_client("Self client", organisation, user)
        derived = self._derive("refresh", client.client_id).hex()
        grant = Grant(client.client_id, organisation, user, str(ScopeSet.parse(FULL)))
        issued = await self._issue(f"1000.{derived[:32]}.{derived[32:]}", client, grant)
        return {
            "client_id": client.client_id,
            "client_secret": self.client_secret(client.client_id),
            "refresh_token": issued.refresh_token,
            "access_token": issued.access_token,
        }

    async def _issue(
        self, refresh_token: str, client: Client, grant: Grant, *, most: int | None = None
    ) -> Issued:
        digest = digest_of(refresh_token)
        await self._store.add_refresh_token(digest, grant, most=most)
        if most is not None:
            now = self._clock.timestamp()
            await self._store.admit("access", digest.hex(), now=now, most=NEW_ACCESS_TOKENS)
        return replace(await self._access(refresh_token, client, grant), refresh_token=refresh_token)

    async def _access(self, refresh_token: str, client: Client, grant: Grant, *, held: bool = True) -> Issued:
        token, now = new_token(), self._clock.timestamp()
        expires_at = now + ACCESS_LIFETIME
        was_added = await self._store.add_access_token(
            digest_of(token),
            digest_of(refresh_token),
            expires_at,
            now=now,
            most=LIVE_ACCESS_TOKENS,
            unheld=None if held else grant,
        )
        if not was_added:
            raise RefreshTokenUnknown  # Somebody has just revoked it.
        scopes = ScopeSet.parse(grant.scopes)
        return Issued(token, "", expires_at, scopes, grant.organisation, grant.user, client.centre)

    def _derive(self, purpose: str, subject: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{subject}".encode(), "sha256")


def _token_of(authorization: str | None) -> str:
    """The token of an Authorization header. Raises the fault of a missing one."""
    scheme, _, token = (authorization or "")[:LONGEST_AUTHORIZATION].partition(" ")
    token = token.strip()
    if scheme.lower() not in {"zoho-oauthtoken", "bearer"} or not token:
        raise authentication_failure()
    return token


def client_id_of(seed: bytes) -> str:
    """A client id in the form of Zoho's client ids."""
    return f"1000.{base64.b32encode(seed)[:30].decode()}"


def new_token() -> str:
    """A random token in the form of Zoho's tokens."""
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
