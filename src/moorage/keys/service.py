"""Creates, lists, rotates, revokes and recognises API keys."""

import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from moorage.audit import note
from moorage.background import Loop
from moorage.bounded import Bounded
from moorage.clock import Clock
from moorage.digests import digest_of
from moorage.ids import new_uuid
from moorage.keys import store
from moorage.keys.contract import Grants, KeyPolicies
from moorage.keys.errors import KeyInactive, KeyInvalid, KeyOfGrant, KeyUnknown
from moorage.keys.model import (
    ApiKey,
    Mode,
    OldSecret,
    Principal,
    key_document,
    may_be_secret,
    new_secret,
    public_part,
)
from moorage.keys.scopes import EVERYTHING, Scopes
from moorage.logs import Log
from moorage.storage import Database, Transaction
from moorage.storage.errors import DatabaseUnusable

DEFAULT_ACCOUNT = "default"
NOTE_SECONDS = 60.0  # The time between two notes of the last uses of keys.
CACHE_SIZE = 10_000
_LONGEST_AUTHORIZATION = 1024  # Much longer than any key.

T = TypeVar("T")

log = Log(__name__)


class Keys:
    """The API keys of all accounts.

    `by` is the caller that asks for a change, or None for the operator, who may change everything. `create`, `rotate`
    and `revoke` read a key, check it, and then write. That is safe without a lock of their own, because transactions
    are serial (`Database.transaction`).
    """

    def __init__(
        self, database: Database, clock: Clock, policies: Callable[[], KeyPolicies], grants: Grants
    ) -> None:
        self._database = database
        self._clock = clock
        self._policies = policies
        self._grants = grants
        self._principals = Bounded[bytes, Principal](CACHE_SIZE)
        self._names: frozenset[bytes] | None = None
        self._names_version: int | None = None
        # The last uses of keys that are not in the database yet, in microseconds since the epoch.
        self._uses: dict[str, int] = {}
        self._uses_of_old: dict[bytes, int] = {}  # The same of older secrets, by their digests.
        # The account and the key of each secret that only this process knows, by its digest.
        self._inside = Bounded[bytes, Principal](CACHE_SIZE)
        self._inside_prefix = f"inside.{secrets.token_urlsafe(32)}"
        self._generation = 0

    def clear(self) -> None:
        """Forget all remembered keys, because keys may have changed."""
        self._generation += 1
        self._principals.clear()
        self._names_version = None

    async def first_account(self) -> str:
        """The id of the only account of a server for one team. The first call creates it."""
        async with self._database.transaction() as tx:
            account_id = await store.account_named(tx, DEFAULT_ACCOUNT)
            if account_id is None:
                account_id = new_uuid()
                await store.add_account(tx, account_id, DEFAULT_ACCOUNT)
                await note(tx, "account.created", DEFAULT_ACCOUNT, account=account_id)
            return account_id

    async def create(
        self,
        account_id: str,
        name: str,
        secret: str | None = None,
        *,
        scopes: Scopes | None = None,
        mode: Mode = "live",
        expires_at: datetime | None = None,
        policy: Any = None,
        by: Principal | None = None,
    ) -> tuple[ApiKey, str]:
        """Create a key. Returns it and its secret, which is not stored. If the secret exists already, returns its key.

        `policy` is the document of its policy for all connections. Without `scopes` it gets those of `by`, or all;
        with a policy that limits it, of the control API only those that read. Raises ScopeMissing and RightsExceeded
        if the new key would have more rights than `by`, and the errors of a policy that can't be used.
        """
        async with self._database.transaction() as tx:
            if secret is not None:
                existing = await store.key_of_secret(tx, digest_of(secret), public_part(secret))
                if existing is not None:
                    return existing[0], secret
            secret = secret or new_secret(mode)
            key = await self.create_in(
                tx,
                account_id,
                name,
                secret,
                scopes=scopes,
                mode=mode,
                expires_at=expires_at,
                policy=policy,
                by=by,
            )
        log.info("key.created", key=key.id, mode=mode, by=_name_in_log(by))
        return key, secret

    async def create_in(
        self,
        tx: Transaction,
        account_id: str,
        name: str,
        secret: str,
        *,
        scopes: Scopes | None = None,
        mode: Mode = "live",
        expires_at: datetime | None = None,
        policy: Any = None,
        by: Principal | None = None,
    ) -> ApiKey:
        """`create` as a part of an open transaction, with a secret that no key has yet."""
        key_id, prefix, now = f"key_{new_uuid()[:13]}", public_part(secret), self._clock.now()
        if scopes is None:
            scopes = EVERYTHING if by is None else by.scopes.unnamed
            scopes = scopes if policy is None or self._policies().is_open(policy) else scopes.reading
        key = ApiKey(key_id, account_id, name, mode, scopes, prefix, now, expires_at, None, None)
        if by is not None:
            by.require_no_less_than(key)
        await store.add_key(tx, key)
        await store.add_secret(tx, key.id, digest_of(secret), prefix)
        await note(tx, "key.created", key.id, account=account_id, after=key_document(key))
        await self._policies().begin(tx, key, policy, by)
        [key] = await self._whole(tx, key)
        return key

    async def list(self, account_id: str) -> list[ApiKey]:
        async with self._database.reading() as tx:
            keys = await self._whole(tx, *await store.all_keys(tx, account_id))
            return [self._with_use(key) for key in keys]

    async def get(self, account_id: str, key_id: str) -> tuple[ApiKey, Sequence[OldSecret]]:
        """A key, and its older secrets that still work. Raises KeyUnknown."""
        async with self._database.reading() as tx:
            [key] = await self._whole(tx, _require(await store.key_of_id(tx, account_id, key_id), key_id))
            old = await store.old_secrets(tx, key_id)
        return self._with_use(key), [self._with_use_of_old(secret) for secret in old]

    async def names(self, account_id: str) -> dict[str, str]:
        """The names of an account's keys, by their ids."""
        async with self._database.reading() as tx:
            return {key.id: key.name for key in await store.all_keys(tx, account_id)}

    async def rotate(
        self, account_id: str, key_id: str, overlap: timedelta, by: Principal | None = None
    ) -> tuple[ApiKey, str]:
        """Give the key a new secret, and return both. Its older secrets work until the overlap ends.

        Raises KeyUnknown, KeyInactive, KeyOfGrant, and the errors of `create`, because a new secret is as good as a new
        key.
        """
        async with self._database.transaction() as tx:
            key = _require(await store.key_of_id(tx, account_id, key_id), key_id)
            if by is not None:
                by.require_no_less_than(key)
                await self._policies().require_no_laxer(tx, key.id, by)
            state = key.state(self._clock.now())
            if state != "active":
                raise KeyInactive(key.id, state)
            if await self._grants(tx, [key.id]):
                raise KeyOfGrant(key.id)
            secret = new_secret(key.mode)
            ends, used = tx.now + overlap // timedelta(microseconds=1), self._with_use(key).last_used_at
            await store.end_secrets(tx, key.id, ends, used)
            await store.add_secret(tx, key.id, digest_of(secret), public_part(secret))
            [rotated] = await self._whole(tx, _require(await store.key_of_id(tx, account_id, key_id), key_id))
            after = {"prefix": rotated.prefix, "overlap_seconds": int(overlap.total_seconds())}
            await note(
                tx, "key.rotated", key.id, account=account_id, before={"prefix": key.prefix}, after=after
            )
        self.clear()
        log.info("key.rotated", key=key_id, by=_name_in_log(by))
        return self._with_use(rotated), secret

    async def revoke(self, account_id: str, key_id: str, by: Principal | None = None) -> ApiKey:
        """Stop accepting a key. It is not an error to revoke a key twice.

        Raises KeyUnknown, and ScopeMissing and RightsExceeded if the key has more rights than `by`.
        """
        async with self._database.transaction() as tx:
            revoked = await self.revoke_in(tx, account_id, key_id, by)
        self.clear()
        log.info("key.revoked", key=key_id, by=_name_in_log(by))
        return self._with_use(revoked)

    async def revoke_in(
        self, tx: Transaction, account_id: str, key_id: str, by: Principal | None = None
    ) -> ApiKey:
        """`revoke` as a part of an open transaction. Call `clear` after it."""
        key = _require(await store.key_of_id(tx, account_id, key_id), key_id)
        if by is not None:
            by.require_no_less_than(key, to="revoke")
        await store.revoke(tx, key_id)
        if key.revoked_at is None:
            await note(tx, "key.revoked", key.id, account=account_id, before=key_document(key))
        [revoked] = await self._whole(tx, _require(await store.key_of_id(tx, account_id, key_id), key_id))
        return revoked

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an Authorization header. Writes nothing, as the use is noted later. Raises KeyInvalid."""
        if authorization is None or len(authorization) > _LONGEST_AUTHORIZATION:
            raise KeyInvalid
        scheme, _, secret = authorization.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not may_be_secret(secret):
            raise KeyInvalid
        principal = self._principals.get(digest_of(secret))
        if principal is None:
            principal = await self._look_up(secret)
        elif principal.expires_at is not None and principal.expires_at <= self._clock.now():
            raise KeyInvalid
        if principal.kind == "key":
            now = int(self._clock.timestamp() * 1_000_000)
            self._uses[principal.key_id] = now
            if principal.old_secret is not None:
                self._uses_of_old[principal.old_secret] = now
        return principal

    async def principal_of(self, account_id: str, key_id: str) -> Principal:
        """The principal of a key whose secret was checked earlier. Raises KeyInvalid if the key has ended since."""
        async with self._database.reading() as tx:
            key = await store.key_of_id(tx, account_id, key_id)
        if key is None or key.state(self._clock.now()) != "active":
            raise KeyInvalid
        return key.principal(key.expires_at)

    def inside(self, principal: Principal) -> str:
        """An Authorization value for calls that this process makes to itself for a key, or for a person.

        Nobody else can know it, and no other process accepts it. It ends with the key. Whoever makes calls for a person
        makes sure before each that the person is still signed in, and has these rights.
        """
        secret = f"{self._inside_prefix}.{principal.key_id}"
        if principal.kind == "person":
            rights = digest_of(" ".join(principal.scopes.texts())).hex()
            secret = f"{secret}.{rights}.{int(principal.reads_only)}"
        self._inside[digest_of(secret)] = principal
        return f"Bearer {secret}"

    async def note_uses(self) -> None:
        """Write the last uses of keys to the database, all at once.

        Raises DatabaseUnusable; then the uses are kept for the next call.
        """
        uses, uses_of_old = dict(self._uses), dict(self._uses_of_old)
        if not uses:
            return
        async with self._database.transaction() as tx:
            await store.note_uses(tx, uses)
            if uses_of_old:
                await store.note_uses_of_old(tx, uses_of_old)
        _forget(self._uses, uses)
        _forget(self._uses_of_old, uses_of_old)

    def background(self) -> Sequence[Loop]:
        return (Loop("keys.note_uses", self.keep_noting),)

    async def keep_noting(self) -> None:
        """Run `note_uses` once a minute, without end. While the database can't be written, the uses wait."""
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            with contextlib.suppress(DatabaseUnusable):
                await self.note_uses()

    async def _whole(self, tx: Transaction, *keys: ApiKey) -> Sequence[ApiKey]:
        """The keys with their policies and grants."""
        ids = [key.id for key in keys]
        policies, grants = await self._policies().of_keys(tx, ids), await self._grants(tx, ids)
        return [replace(key, policy=policies.get(key.id), grant=grants.get(key.id)) for key in keys]

    def _with_use(self, key: ApiKey) -> ApiKey:
        """The key, with its last use in this process if that is not in the database yet."""
        used = self._uses.get(key.id)
        return key if used is None else replace(key, last_used_at=store.time_of(used))

    def _with_use_of_old(self, secret: OldSecret) -> OldSecret:
        used = self._uses_of_old.get(secret.digest)
        return secret if used is None else dataclasses.replace(secret, last_used_at=store.time_of(used))

    async def _look_up(self, secret: str) -> Principal:
        inside = self._inside.get(digest_of(secret))
        if inside is None:
            await self._refuse_unknown(secret)
        generation = self._generation
        if inside is None:
            principal = await self._stored(secret)
        elif inside.kind == "person":
            principal = inside
        else:
            principal = await self.principal_of(inside.account_id, inside.key_id)
        if generation == self._generation:  # Otherwise the key may have been revoked after it was read.
            self._principals[digest_of(secret)] = principal
        return principal

    async def _stored(self, secret: str) -> Principal:
        """The principal of a secret, as the database has it. Raises KeyInvalid."""
        now = self._clock.now()
        async with self._database.reading() as tx:
            key_and_end = await store.key_of_secret(tx, digest_of(secret), public_part(secret))
        if key_and_end is None:
            raise KeyInvalid
        key, secret_ends = key_and_end
        ends = min((end for end in (key.expires_at, secret_ends) if end is not None), default=None)
        if key.revoked_at is not None or (ends is not None and ends <= now):
            raise KeyInvalid
        return key.principal(ends, None if secret_ends is None else digest_of(secret))

    async def _refuse_unknown(self, secret: str) -> None:
        """Raises KeyInvalid for a secret that does not exist, without a query for each secret.

        The names of all secrets are in memory. They are read again after each change of the database.
        """
        version = await self._database.latest_version()
        if version is None or version != self._names_version:
            self._names_version = None
            async with self._database.reading() as tx:
                self._names = await store.names(tx, CACHE_SIZE)
            # The version before the read, so that a change during the read counts as a change.
            self._names_version = version
        if (
            self._names is not None
            and store.name_of(digest_of(secret), public_part(secret)) not in self._names
        ):
            raise KeyInvalid


def _forget(kept: dict[T, int], noted: dict[T, int]) -> None:
    """Forget the uses that are noted, but for those that came since."""
    for name, used in noted.items():
        if kept.get(name) == used:
            del kept[name]


def _name_in_log(by: Principal | None) -> str:
    return by.key_id if by is not None else "operator"


def _require(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise KeyUnknown(key_id)
    return key
