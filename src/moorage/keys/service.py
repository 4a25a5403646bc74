"""Make, list, revoke and recognise API keys."""

from datetime import timedelta

from moorage.clock import Clock
from moorage.ids import new_uuid
from moorage.keys import store
from moorage.keys.errors import KeyInvalid, KeyUnknown
from moorage.keys.model import ApiKey, Principal, digest, may_be_secret, new_secret
from moorage.storage import Database

DEFAULT_ACCOUNT = "default"
USE_NOTED_EVERY = timedelta(minutes=1)
CACHE_SIZE = 10_000


class Keys:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[Principal, float]] = {}  # and until when it is remembered

    def clear(self) -> None:
        """Forget what is remembered: keys may have changed."""
        self._known.clear()

    async def first_account(self) -> str:
        """The id of the account that everything belongs to on a server for one team."""
        async with self._database.transaction() as tx:
            found = await store.account_named(tx, DEFAULT_ACCOUNT)
            if found is None:
                found = new_uuid()
                await store.add_account(tx, found, DEFAULT_ACCOUNT)
            return found

    async def create(self, account_id: str, name: str, secret: str | None = None) -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once. A secret that exists already gives its key."""
        secret = secret or new_secret()
        async with self._database.transaction() as tx:
            known = await store.key_of_digest(tx, digest(secret))
            if known is None:
                await store.add_key(tx, f"key_{new_uuid()[:13]}", account_id, name, digest(secret))
                known = await store.key_of_digest(tx, digest(secret))
        assert known is not None
        return known, secret

    async def list(self, account_id: str) -> list[ApiKey]:
        async with self._database.transaction() as tx:
            return await store.all_keys(tx, account_id)

    async def revoke(self, key_id: str) -> ApiKey:
        """Stop accepting a key. Revoking twice is no error. Raises KeyUnknown."""
        async with self._database.transaction() as tx:
            await store.revoke(tx, key_id)
            key = await store.key_of_id(tx, key_id)
        self.clear()
        if key is None:
            raise KeyUnknown(
                f"There is no API key {key_id!r}.", help="`moorage key list` shows the ids of all keys."
            )
        return key

    async def authenticate(self, authorization: str | None) -> Principal:
        """Who an Authorization header stands for. Raises KeyInvalid."""
        scheme, _, secret = (authorization or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not may_be_secret(secret):
            raise KeyInvalid
        known = digest(secret)
        remembered = self._known.get(known)
        if remembered is not None and remembered[1] > self._clock.timestamp():
            return remembered[0]
        return await self._look_up(known)

    async def _look_up(self, known: bytes) -> Principal:
        async with self._database.transaction() as tx:
            key = await store.key_of_digest(tx, known)
            if key is None or key.revoked_at is not None:
                raise KeyInvalid
            used = key.last_used_at
            if used is None or self._clock.now() - used >= USE_NOTED_EVERY:
                await store.touch(tx, key.id)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        principal = Principal(key.id, key.account_id)
        # Not for longer, so that a key in steady use has its last use noted.
        self._known[known] = (principal, self._clock.timestamp() + USE_NOTED_EVERY.total_seconds())
        return principal
