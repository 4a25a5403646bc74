"""Issue, refresh, revoke and recognise tokens."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from moorage.clock import Clock
from moorage.crm.accounts.errors import ClientUnknown, RefreshTokenUnknown, SecretWrong
from moorage.crm.accounts.scopes import FULL, ScopeSet
from moorage.crm.accounts.store import AccountsStore, Grant
from moorage.crm.faults import authentication_failure, invalid_token

ACCESS_LIFETIME = 3600  # seconds
LIVE_ACCESS_TOKENS = 15  # Per refresh token; the next one drops the oldest, as Zoho does.
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a token stands for. `expires_at` is in seconds since the epoch."""

    organisation: int
    user: int
    scopes: ScopeSet
    expires_at: float


@dataclass(frozen=True, slots=True)
class Client:
    client_id: str


@dataclass(frozen=True, slots=True)
class Issued:
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scopes: ScopeSet


class Accounts:
    """`secret_key` derives client secrets, so that none of them is stored."""

    def __init__(self, store: AccountsStore, secret_key: bytes, clock: Clock) -> None:
        self._store = store
        self._key = secret_key
        self._clock = clock
        self._principals: dict[bytes, Principal] = {}

    def principal(self, authorization: str | None) -> Principal:
        """Who an Authorization header stands for. Raises the faults of a missing and of an invalid token."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() not in {"zoho-oauthtoken", "bearer"} or not token:
            raise authentication_failure()
        digest = _digest(token)
        found = self._principals.get(digest)
        if found is None:
            found = self._look_up(digest)
        if found.expires_at <= self._clock.timestamp():
            raise invalid_token()
        return found

    def _look_up(self, digest: bytes) -> Principal:
        access = self._store.access(digest)
        if access is None:
            raise invalid_token()
        grant, expires_at = access
        if len(self._principals) >= CACHE_SIZE:
            self._principals.clear()
        found = Principal(grant.organisation, grant.user, ScopeSet.parse(grant.scopes), expires_at)
        self._principals[digest] = found
        return found

    def changed(self) -> bool:
        """Forget what is remembered if another process changed the registry; tell whether it did."""
        changed = self._store.changed_elsewhere()
        if changed:
            self._principals.clear()
        return changed

    def ensure_client(self, name: str, organisation: int, user: int) -> Client:
        """The client of that name that acts for a user, registered when it is new; its id is always the same."""
        derived = self._derive("client", f"{organisation} {user} {name}")
        client = f"1000.{base64.b32encode(derived)[:30].decode()}"
        self._store.add_client(client, organisation, user, name)
        return Client(client)

    def client_secret(self, client_id: str) -> str:
        return self._derive("secret", client_id).hex()[:42]

    def issue(self, client_id: str, organisation: int, user: int, scopes: str) -> Issued:
        """New tokens. Raises ValueError for scopes that are none."""
        return self._issue(_new_token(), Grant(client_id, organisation, user, str(ScopeSet.parse(scopes))))

    def refresh(self, client_id: str, client_secret: str, refresh_token: str) -> Issued:
        """A new access token. Raises ClientUnknown, SecretWrong, RefreshTokenUnknown."""
        if not self._store.has_client(client_id):
            raise ClientUnknown
        if not hmac.compare_digest(client_secret.encode(), self.client_secret(client_id).encode()):
            raise SecretWrong
        grant = self._store.grant_of(_digest(refresh_token))
        if grant is None or grant.client != client_id:
            raise RefreshTokenUnknown
        return self._access(refresh_token, grant)

    def revoke(self, token: str) -> bool:
        """Make a token of either kind worthless; False for one that already is."""
        self._principals.clear()
        return self._store.remove(_digest(token))

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

    def _issue(self, refresh_token: str, grant: Grant) -> Issued:
        self._store.add_refresh_token(_digest(refresh_token), grant)
        return self._access(refresh_token, grant)

    def _access(self, refresh_token: str, grant: Grant) -> Issued:
        token, now = _new_token(), self._clock.timestamp()
        self._store.add_access_token(
            _digest(token), _digest(refresh_token), now + ACCESS_LIFETIME, now=now, most=LIVE_ACCESS_TOKENS
        )
        self._principals.clear()  # The oldest token may have been dropped for this one.
        return Issued(token, refresh_token, now + ACCESS_LIFETIME, ScopeSet.parse(grant.scopes))

    def _derive(self, purpose: str, of: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{of}".encode(), "sha256")


def _new_token() -> str:
    """In the form Zoho's tokens have."""
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
