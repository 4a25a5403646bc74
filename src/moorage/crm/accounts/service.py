"""Issue, refresh, revoke and recognise tokens, within the limits of [Z token-validity]."""

import base64
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import ParamSpec, Protocol, TypeVar

from moorage.clock import SKEW, Clock, is_ahead
from moorage.crm.accounts.errors import ClientUnknown, RefreshTokenUnknown, SecretWrong, TooManyTokens
from moorage.crm.accounts.model import Client, Grant
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.centres import ANYWHERE, HOME, Site
from moorage.crm.faults import authentication_failure, invalid_token
from moorage.crm.wire.principal import Principal
from moorage.crm.wire.scopes import FULL, ScopeSet
from moorage.digests import digest_of

ACCESS_LIFETIME = 3600  # seconds
LIVE_ACCESS_TOKENS = 15  # Per refresh token; the next one drops the oldest, as Zoho does.
# What registered clients may have. The clients that Moorage keeps for itself, the gateway's and that of
# `crm credentials`, serve many callers each, who must not get into one another's way.
NEW_ACCESS_TOKENS = 10  # Per refresh token in ten minutes.
REFRESH_TOKENS = 20  # Per user and client; the next one drops the oldest with its access tokens.
CACHE_SIZE = 10_000
LONGEST_AUTHORIZATION = 1024  # Far more than any token takes; what is longer is none.

P = ParamSpec("P")
T = TypeVar("T")


class Write(Protocol):
    """Does in a thread what writes the registry."""

    def __call__(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class Issued:
    """`refresh_token` is empty where there is none to give. `organisation` is whose data the tokens open."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scopes: ScopeSet
    organisation: int
    user: int
    nonce: str | None = field(default=None, repr=False)  # Of the code that the tokens were given for.


class Accounts:
    """`secret_key` derives client secrets, so that none of them is stored."""

    def __init__(self, store: AccountsStore, secret_key: bytes, clock: Clock) -> None:
        self._store = store
        self._key = secret_key
        self._clock = clock
        self._principals: dict[bytes, Principal] = {}

    def principal(self, authorization: str | None) -> Principal:
        """Who an Authorization header stands for. Raises the faults of a missing and of an invalid token."""
        scheme, _, token = (authorization or "")[:LONGEST_AUTHORIZATION].partition(" ")
        token = token.strip()
        if scheme.lower() not in {"zoho-oauthtoken", "bearer"} or not token:
            raise authentication_failure()
        digest = digest_of(token)
        found = self._principals.get(digest)
        if found is None:
            found = self._look_up(digest, token)
        if not is_ahead(found.expires_at, self._clock.timestamp(), ACCESS_LIFETIME + SKEW):
            raise invalid_token()
        return found

    def _look_up(self, digest: bytes, token: str) -> Principal:
        access = self._store.access(digest)
        if access is None:
            raise invalid_token(token)
        grant, expires_at = access
        if len(self._principals) >= CACHE_SIZE:
            self._principals.clear()
        scopes, centre = ScopeSet.parse(grant.scopes), self.data_centre(grant.organisation)
        found = Principal(grant.organisation, grant.user, scopes, expires_at, centre)
        self._principals[digest] = found
        return found

    def changed(self) -> bool:
        """Forget what is remembered if another process changed the registry; tell whether it did."""
        changed = self._store.changed_elsewhere()
        if changed:
            self.forget()
        return changed

    def forget(self) -> None:
        """Look up anew who each token stands for, after any write: also an issue may have dropped the oldest token."""
        self._principals.clear()

    def data_centre(self, organisation: int) -> str:
        return self._store.data_centre(organisation) or HOME

    def known_client(
        self, name: str, organisation: int, user: int, redirect_uri: str | None = None
    ) -> Client | None:
        """What `ensure_client` would give without changing anything; None where it would."""
        found = self._store.client(self._client_id(name, organisation, user))
        if found is None or (redirect_uri is not None and found.redirect_uris != (redirect_uri,)):
            return None
        return Client(found.client_id, organisation, user, name)

    def ensure_client(
        self, name: str, organisation: int, user: int, redirect_uri: str | None = None
    ) -> Client:
        """The client of that name that acts for a user, known from now on; its id is always the same.

        With a redirect URI, which takes the place of an earlier one, people can be sent to the consent page for it.
        """
        known = self.known_client(name, organisation, user, redirect_uri)
        if known is not None:
            return known
        client = self._client_id(name, organisation, user)
        self._store.add_client(client, organisation, user, name)
        if redirect_uri is not None:
            self._store.set_redirect_uri(client, redirect_uri)
        return Client(client, organisation, user, name)

    def _client_id(self, name: str, organisation: int, user: int) -> str:
        return client_id_of(self._derive("client", f"{organisation} {user} {name}"))

    def client_secret(self, client_id: str) -> str:
        return self._derive("secret", client_id).hex()[:42]

    def client_at(self, site: Site, client_id: str) -> Client:
        """A client of the data centre that is asked. Raises ClientUnknown."""
        client = self._store.client(client_id)
        if client is None or not site.admits(self.data_centre(client.organisation)):
            raise ClientUnknown
        return client

    def authenticate(self, site: Site, client_id: str, client_secret: str) -> Client:
        """The client that proves to be the one it says. Raises ClientUnknown, SecretWrong."""
        client = self.client_at(site, client_id)
        if not hmac.compare_digest(client_secret.encode(), self.client_secret(client_id).encode()):
            raise SecretWrong
        return client

    def issue(self, client_id: str, organisation: int, user: int, scopes: str) -> Issued:
        """New tokens for a client of Moorage itself. Raises ValueError for scopes that are none."""
        return self._issue(new_token(), Grant(client_id, organisation, user, str(ScopeSet.parse(scopes))))

    def grant(self, client: Client, grant: Grant) -> Issued:
        """New tokens, as after a consent."""
        most = REFRESH_TOKENS if client.registered else None
        return self._issue(new_token(), grant, most=most)

    def grant_access(self, client: Client, grant: Grant) -> Issued:
        """An access token alone. Raises TooManyTokens."""
        self._count(client, f"{client.client_id} {grant.user}")
        # Access tokens hang on refresh tokens. Nobody is told this one, and nobody could work it out.
        unheld = self._derive("unheld", f"{client.client_id} {grant.user} {grant.scopes}").hex()
        return self._access(unheld, grant, held=False)

    def refresh(self, client: Client, refresh_token: str) -> Issued:
        """A new access token. Raises RefreshTokenUnknown, TooManyTokens."""
        digest = digest_of(refresh_token)
        grant = self._store.grant_of(digest)
        if grant is None or grant.client != client.client_id:
            raise RefreshTokenUnknown
        self._count(client, digest.hex())
        return self._access(refresh_token, grant)

    def _count(self, client: Client, subject: str) -> None:
        now = self._clock.timestamp()
        if client.registered and not self._store.admit("access", subject, now=now, most=NEW_ACCESS_TOKENS):
            raise TooManyTokens(
                "You have made too many requests continuously. Please try again after some time."
            )

    def holds(self, client: Client, user: int, scopes: ScopeSet) -> bool:
        """Whether the user gave the client these scopes, and took none of them back."""
        held = self._store.held_scopes(client.client_id, user)
        return any(ScopeSet.parse(one).covers(scopes) for one in held)

    def is_live(self, token: str, site: Site = ANYWHERE) -> bool:
        """Whether a token of either kind could be revoked here."""
        digest = digest_of(token)
        access = self._store.access(digest)
        grant = access[0] if access else self._store.grant_of(digest)
        return grant is not None and site.admits(self.data_centre(grant.organisation))

    def revoke(self, token: str, site: Site = ANYWHERE) -> bool:
        """Make a token of either kind worthless; False for one that already is, or that lives elsewhere."""
        if not self.is_live(token, site):
            return False
        return self._store.remove(digest_of(token))

    def credentials(self, organisation: int, user: int) -> dict[str, str]:
        """A self client ready for use: the same client and refresh token each time, a new access token."""
        client = self.ensure_client("Self client", organisation, user).client_id
        derived = self._derive("refresh", client).hex()
        grant = Grant(client, organisation, user, str(ScopeSet.parse(FULL)))
        issued = self._issue(f"1000.{derived[:32]}.{derived[32:]}", grant)
        return {
            "client_id": client,
            "client_secret": self.client_secret(client),
            "refresh_token": issued.refresh_token,
            "access_token": issued.access_token,
        }

    def _issue(self, refresh_token: str, grant: Grant, *, most: int | None = None) -> Issued:
        digest = digest_of(refresh_token)
        self._store.add_refresh_token(digest, grant, most=most)
        if most is not None:
            self._store.admit("access", digest.hex(), now=self._clock.timestamp(), most=NEW_ACCESS_TOKENS)
        return replace(self._access(refresh_token, grant), refresh_token=refresh_token)

    def _access(self, refresh_token: str, grant: Grant, *, held: bool = True) -> Issued:
        token, now = new_token(), self._clock.timestamp()
        ends = now + ACCESS_LIFETIME
        kept = self._store.add_access_token(
            digest_of(token),
            digest_of(refresh_token),
            ends,
            now=now,
            most=LIVE_ACCESS_TOKENS,
            unheld=None if held else grant,
        )
        if not kept:
            raise RefreshTokenUnknown  # Somebody revoked it in this very moment.
        scopes = ScopeSet.parse(grant.scopes)
        return Issued(token, "", ends, scopes, grant.organisation, grant.user)

    def _derive(self, purpose: str, of: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{of}".encode(), "sha256")


def client_id_of(seed: bytes) -> str:
    """In the form that the ids of Zoho's clients have."""
    return f"1000.{base64.b32encode(seed)[:30].decode()}"


def new_token() -> str:
    """In the form Zoho's tokens have."""
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
