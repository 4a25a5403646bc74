"""Make, list, rotate, revoke and recognise API keys."""

from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.ids import new_uuid
from moorage.keys import store
from moorage.keys.errors import KeyInactive, KeyInvalid, KeyUnknown
from moorage.keys.model import ApiKey, Mode, Principal, digest, may_be_secret, new_secret, public_part
from moorage.keys.scopes import EVERYTHING, Scopes
from moorage.storage import Database

DEFAULT_ACCOUNT = "default"
USE_NOTED_EVERY = timedelta(minutes=1)
CACHE_SIZE = 10_000


class Keys:
    """Where a call takes `by`, that is the caller who asks for it; None is the operator, who may do anything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[Principal, float]] = {}  # and until when it is remembered
        self._generation = 0

    def clear(self) -> None:
        """Forget what is remembered: keys may have changed."""
        self._generation += 1
        self._known.clear()

    async def first_account(self) -> str:
        """The id of the account that everything belongs to on a server for one team."""
        async with self._database.transaction() as tx:
            found = await store.account_named(tx, DEFAULT_ACCOUNT)
            if found is None:
                found = new_uuid()
                await store.add_account(tx, found, DEFAULT_ACCOUNT)
            return found

    async def create(
        self,
        account_id: str,
        name: str,
        secret: str | None = None,
        *,
        scopes: Scopes = EVERYTHING,
        mode: Mode = "live",
        expires_at: datetime | None = None,
        by: Principal | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once. A secret that exists already gives its key.

        Raises ScopeMissing and RightsExceeded for a key that may do what its maker may not.
        """
        secret = secret or new_secret(mode)
        key_id, prefix, now = f"key_{new_uuid()[:13]}", public_part(secret), self._clock.now()
        key = ApiKey(key_id, account_id, name, mode, scopes, prefix, now, expires_at, None, None)
        if by is not None:
            by.require_no_less_than(key)
        async with self._database.transaction() as tx:
            known = await store.key_of_secret(tx, digest(secret), prefix)
            if known is not None:
                return known[0], secret
            await store.add_key(tx, key)
            await store.add_secret(tx, key.id, digest(secret), prefix)
        return key, secret

    async def list(self, account_id: str) -> list[ApiKey]:
        async with self._database.transaction() as tx:
            return await store.all_keys(tx, account_id)

    async def rotate(
        self, account_id: str, key_id: str, overlap: timedelta, by: Principal | None = None
    ) -> tuple[ApiKey, str]:
        """The key and a new secret of it; those it had work until the overlap ends.

        Raises KeyUnknown, KeyInactive, and what `create` raises: a secret is all that a new key is.
        """
        async with self._database.transaction() as tx:
            key = _known(await store.key_of_id(tx, account_id, key_id), key_id)
            if by is not None:
                by.require_no_less_than(key)
            state = key.state(self._clock.now())
            if state != "active":
                raise KeyInactive(key.id, state)
            secret = new_secret(key.mode)
            await store.end_secrets(tx, key.id, tx.now + overlap // timedelta(microseconds=1))
            await store.add_secret(tx, key.id, digest(secret), public_part(secret))
            rotated = _known(await store.key_of_id(tx, account_id, key_id), key_id)
        self.clear()
        return rotated, secret

    async def revoke(self, account_id: str, key_id: str, by: Principal | None = None) -> ApiKey:
        """Stop accepting a key. Revoking twice is no error.

        Raises KeyUnknown, and ScopeMissing and RightsExceeded for a key that may do what the caller may not.
        """
        async with self._database.transaction() as tx:
            key = _known(await store.key_of_id(tx, account_id, key_id), key_id)
            if by is not None:
                by.require_no_less_than(key, to="revoke")
            await store.revoke(tx, key_id)
            revoked = _known(await store.key_of_id(tx, account_id, key_id), key_id)
        self.clear()
        return revoked

    async def authenticate(self, authorization: str | None) -> Principal:
        """Who an Authorization header stands for. Raises KeyInvalid."""
        scheme, _, secret = (authorization or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not may_be_secret(secret):
            raise KeyInvalid
        remembered = self._known.get(digest(secret))
        if remembered is not None and remembered[1] > self._clock.timestamp():
            return remembered[0]
        return await self._look_up(secret)

    async def _look_up(self, secret: str) -> Principal:
        generation, now = self._generation, self._clock.now()
        async with self._database.transaction() as tx:
            found = await store.key_of_secret(tx, digest(secret), public_part(secret))
            if found is None:
                raise KeyInvalid
            key, secret_ends = found
            ends = min((end for end in (key.expires_at, secret_ends) if end is not None), default=None)
            if key.revoked_at is not None or (ends is not None and ends <= now):
                raise KeyInvalid
            if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
                await store.touch(tx, key.id)
        principal = Principal(key.id, key.account_id, key.scopes, key.mode, ends, key.name)
        if generation == self._generation:  # Else it may have been revoked since it was read.
            self._remember(digest(secret), principal)
        return principal

    def _remember(self, known: bytes, principal: Principal) -> None:
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        # Not for longer, so that a key in steady use has its last use noted.
        until = self._clock.timestamp() + USE_NOTED_EVERY.total_seconds()
        if principal.expires_at is not None:
            until = min(until, principal.expires_at.timestamp())
        self._known[known] = (principal, until)


def _known(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise KeyUnknown(key_id)
    return key
