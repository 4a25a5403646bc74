"""Make, list, rotate, revoke and recognise API keys."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from moorage.background import Loop
from moorage.bounded import Bounded
from moorage.clock import Clock
from moorage.digests import digest_of
from moorage.ids import new_uuid
from moorage.keys import store
from moorage.keys.errors import KeyInactive, KeyInvalid, KeyUnknown
from moorage.keys.model import ApiKey, Mode, Principal, may_be_secret, new_secret, public_part
from moorage.keys.scopes import EVERYTHING, Scopes
from moorage.logs import Log
from moorage.storage import Database
from moorage.storage.errors import DatabaseUnusable

DEFAULT_ACCOUNT = "default"
USE_NOTED_EVERY = 60.0  # Seconds.
CACHE_SIZE = 10_000
_LONGEST_AUTHORIZATION = 1024  # Far more than any key takes.

log = Log(__name__)


class Keys:
    """Where a call takes `by`, that is the caller who asks for it; None is the operator, who may do anything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known = Bounded[bytes, Principal](CACHE_SIZE)
        self._names: frozenset[bytes] | None = None
        self._names_version: int | None = None
        # When keys were last used, in microseconds, as far as it isn't written yet.
        self._uses: dict[str, int] = {}
        self._generation = 0

    def clear(self) -> None:
        """Forget what is remembered: keys may have changed."""
        self._generation += 1
        self._known.clear()
        self._names_version = None

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
            known = await store.key_of_secret(tx, digest_of(secret), prefix)
            if known is not None:
                return known[0], secret
            await store.add_key(tx, key)
            await store.add_secret(tx, key.id, digest_of(secret), prefix)
        log.info("key.created", key=key_id, mode=mode, by=_id(by))
        return key, secret

    async def list(self, account_id: str) -> list[ApiKey]:
        async with self._database.reading() as tx:
            return [self._with_use(key) for key in await store.all_keys(tx, account_id)]

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
            await store.add_secret(tx, key.id, digest_of(secret), public_part(secret))
            rotated = _known(await store.key_of_id(tx, account_id, key_id), key_id)
        self.clear()
        log.info("key.rotated", key=key_id, by=_id(by))
        return self._with_use(rotated), secret

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
        log.info("key.revoked", key=key_id, by=_id(by))
        return self._with_use(revoked)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Who an Authorization header stands for. Writes nothing: the use is noted later. Raises KeyInvalid."""
        if authorization is None or len(authorization) > _LONGEST_AUTHORIZATION:
            raise KeyInvalid
        scheme, _, secret = authorization.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not may_be_secret(secret):
            raise KeyInvalid
        principal = self._known.get(digest_of(secret))
        if principal is None:
            principal = await self._look_up(secret)
        elif principal.expires_at is not None and principal.expires_at <= self._clock.now():
            raise KeyInvalid
        self._uses[principal.key_id] = int(self._clock.timestamp() * 1_000_000)
        return principal

    async def note_uses(self) -> None:
        """Write down when keys were last used, all at once. What can't be written is kept. Raises DatabaseUnusable."""
        uses = dict(self._uses)
        if not uses:
            return
        async with self._database.transaction() as tx:
            await store.note_uses(tx, uses)
        for key_id, used in uses.items():
            if self._uses.get(key_id) == used:
                del self._uses[key_id]

    def background(self) -> Sequence[Loop]:
        return (Loop("keys.note_uses", self.keep_noting),)

    async def keep_noting(self) -> None:
        """Note uses every so often, for as long as this runs; a disk in trouble only puts it off."""
        while True:
            await asyncio.sleep(USE_NOTED_EVERY)
            with contextlib.suppress(DatabaseUnusable):
                await self.note_uses()

    def _with_use(self, key: ApiKey) -> ApiKey:
        """The key with its last use, as far as this process knows it."""
        used = self._uses.get(key.id)
        return key if used is None else replace(key, last_used_at=store.time_of(used))

    async def _look_up(self, secret: str) -> Principal:
        await self._refuse_unknown(secret)
        generation, now = self._generation, self._clock.now()
        async with self._database.reading() as tx:
            found = await store.key_of_secret(tx, digest_of(secret), public_part(secret))
        if found is None:
            raise KeyInvalid
        key, secret_ends = found
        ends = min((end for end in (key.expires_at, secret_ends) if end is not None), default=None)
        if key.revoked_at is not None or (ends is not None and ends <= now):
            raise KeyInvalid
        principal = Principal(key.id, key.account_id, key.scopes, key.mode, ends, key.name)
        if generation == self._generation:  # Else it may have been revoked since it was read.
            self._known[digest_of(secret)] = principal
        return principal

    async def _refuse_unknown(self, secret: str) -> None:
        """Raises KeyInvalid for a secret that can't be one of those there are, without a question to the database.

        They are known by their public parts, read anew whenever the database has changed.
        """
        version = self._database.version()
        if version is None or version != self._names_version:
            self._names_version = None
            async with self._database.reading() as tx:
                self._names = await store.names(tx, CACHE_SIZE)
            # Of before they were read: what changed meanwhile shows as a change.
            self._names_version = version
        if (
            self._names is not None
            and store.name_of(digest_of(secret), public_part(secret)) not in self._names
        ):
            raise KeyInvalid


def _id(by: Principal | None) -> str:
    """The key that asked for something, as the log names it."""
    return by.key_id if by is not None else "operator"


def _known(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise KeyUnknown(key_id)
    return key
