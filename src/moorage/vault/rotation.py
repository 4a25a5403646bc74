"""Change the vault's key while servers run: what it sealed is sealed anew, and only then is it retired."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from moorage.storage import Database, Transaction
from moorage.vault import store
from moorage.vault.errors import VaultKeyGiven, VaultKeyRefused, VaultLocked
from moorage.vault.keys import KeySource
from moorage.vault.model import Key, Ring

BATCH = 100  # Values sealed anew in one transaction: others wait for it, so it is to be short.


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """`secrets` counts the values that a key sealed; an `unknown` key is one that nobody gave us."""

    id: str
    role: Literal["current", "old", "unknown"]
    secrets: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done, or would be. `retired` are keys that nothing needs any more; `resumed` says that another
    rotation had been begun, `fixed` that the operator has to take the retired keys out of the setting."""

    current: str | None
    retired: tuple[str, ...]
    sealed_anew: int
    resumed: bool
    fixed: bool


class Rotation:
    """`purposes` says for which purposes keys are derived, and for how many seconds one is still good afterwards."""

    def __init__(self, database: Database, keys: KeySource, purposes: Mapping[str, float]) -> None:
        self._database = database
        self._keys = keys
        self._purposes = purposes

    async def status(self) -> list[KeyStatus]:
        """The current key first. Raises VaultLocked when there is no key at all."""
        async with self._database.reading() as tx:
            ring = self._keys.ring()
            counts = await store.count_by_key(tx)
        known = [
            KeyStatus(key.id.hex(), "current" if key is ring.current else "old", counts.pop(key.id, 0))
            for key in ring.keys
        ]
        return known + [KeyStatus(key_id.hex(), "unknown", count) for key_id, count in counts.items()]

    async def rotate(self, new: bytes | None = None, *, dry_run: bool = False) -> Rotated:
        """Make a key, or take this one, seal everything with it, and retire the others.

        A rotation that was begun and not ended is brought to its end instead. Raises VaultLocked, VaultBusy,
        VaultKeyGiven, VaultKeyRefused.
        """
        with self._keys.rotating():
            ring = await self._sound()
            resumed = len(ring.keys) > 1
            if not resumed and self._keys.fixed:
                raise VaultKeyGiven
            _require_usable(new, ring, resumed=resumed)
            if dry_run:
                return await self._foreseen(ring, resumed=resumed)
            if not resumed:
                ring = Ring((Key(new) if new is not None else Key.random(), *ring.keys))
                self._keys.replace(ring.keys)
            sealed_anew = await self._seal_anew(ring)
            await self._retire(ring)
            old = tuple(key.id.hex() for key in ring.keys[1:])
            return Rotated(ring.current.id.hex(), old, sealed_anew, resumed, self._keys.fixed)

    async def forget(self) -> int:
        """Drop what no live key opens, for good; how many values that were. Raises VaultLocked, VaultBusy."""
        with self._keys.rotating():
            async with self._database.transaction() as tx:
                return await store.forget_sealed_otherwise(tx, self._keys.ring().ids)

    async def _sound(self) -> Ring:
        async with self._database.transaction() as tx:
            ring = self._keys.ring()
            if await store.sealed_otherwise(tx, ring.ids):
                raise VaultLocked
        return ring

    async def _foreseen(self, ring: Ring, *, resumed: bool) -> Rotated:
        async with self._database.reading() as tx:
            counts = await store.count_by_key(tx)
        current = ring.current if resumed else None
        old = ring.keys[1:] if resumed else ring.keys
        sealed_anew = sum(counts.get(key.id, 0) for key in old)
        retired = tuple(key.id.hex() for key in old)
        return Rotated(current.id.hex() if current else None, retired, sealed_anew, resumed, self._keys.fixed)

    async def _seal_anew(self, ring: Ring) -> int:
        done = 0
        while True:
            async with self._database.transaction() as tx:
                rows = await store.some_sealed_otherwise(tx, [ring.current.id], most=BATCH)
                for row in rows:
                    value = ring.open(row.owner_id, row.kind, row.value)
                    sealed = ring.seal(row.owner_id, row.kind, value)
                    await store.put(tx, row.owner_id, row.kind, sealed, row.expires_at)
            done += len(rows)
            if not rows:
                return done

    async def _retire(self, ring: Ring) -> None:
        async with self._database.transaction() as tx:
            await self._remember_derived(tx, ring)
        async with self._database.transaction() as tx:
            # Whoever seals does so in a transaction and asks for the keys there, so nobody can seal with an old one
            # between this look and the keys' being replaced.
            if await store.sealed_otherwise(tx, [ring.current.id]):
                raise VaultLocked
            if not self._keys.fixed:
                self._keys.replace([ring.current])

    async def _remember_derived(self, tx: Transaction, ring: Ring) -> None:
        """Keep what was derived from the old keys for as long as something that it signed is good."""
        now = tx.now / 1_000_000
        await store.forget_retired(tx, now=now)
        for key in ring.keys[1:]:
            owner = f"{store.RETIRED}{key.id.hex()}"
            for purpose, seconds in self._purposes.items():
                sealed = ring.seal(owner, purpose, key.derive(purpose).hex())
                await store.put(tx, owner, purpose, sealed, now + seconds)


def _require_usable(new: bytes | None, ring: Ring, *, resumed: bool) -> None:
    if new is None:
        return
    if resumed and new != ring.current.secret:
        raise VaultKeyRefused(
            f"A rotation to the key {ring.current.id.hex()} was begun and has to be ended first.",
            help="Rotate without naming a key; then rotate to this one.",
        )
    if not resumed and Key(new).id in ring.ids:
        raise VaultKeyRefused("The vault has this key already.", help="Make one: `openssl rand -base64 32`.")
