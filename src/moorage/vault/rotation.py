"""Changes the vault key while servers run: encrypts all secrets with the new key, then retires the old key.

Servers write secrets meanwhile. That is safe because transactions are serial (`Database.transaction`), and because both
sides read the live keys inside of their transactions: see `_retire`.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from moorage.audit import note
from moorage.storage import Database, Transaction
from moorage.vault import store
from moorage.vault.errors import VaultKeyGiven, VaultKeyRefused, VaultLocked
from moorage.vault.keys import KeySource
from moorage.vault.model import Key, Ring

# Values that one transaction encrypts again, and the bytes after which it takes no further one. It is short, because
# other transactions wait for it. Of long values, such as bodies of calls, one is in memory at a time.
BATCH = 100
BATCH_BYTES = 8 * 1024 * 1024


class KeyStatus(msgspec.Struct, frozen=True):
    """`secrets` counts the values that the key has encrypted. An `unknown` key is not in the setting or the file."""

    id: str
    role: Literal["current", "old", "unknown"]
    secrets: int


class Rotated(msgspec.Struct, frozen=True):
    """The result of a rotation, or of a dry run. `retired` are the keys that are not needed any more.

    `sealed_anew` counts the values that were encrypted again. `resumed` means that the rotation had been started
    earlier. `fixed` means that the operator has to remove the retired keys from the setting.
    """

    current: str | None
    retired: tuple[str, ...]
    sealed_anew: int
    resumed: bool
    fixed: bool


class Rotation:
    """`purposes` has the purposes for which keys are derived, and for each the seconds that an old one stays valid."""

    def __init__(self, database: Database, keys: KeySource, purposes: Mapping[str, float]) -> None:
        self._database = database
        self._keys = keys
        self._purposes = purposes

    async def status(self) -> list[KeyStatus]:
        """The status of all keys, the current key first. Raises VaultLocked if there is no key."""
        async with self._database.reading() as tx:
            ring = self._keys.ring()
            counts = await store.count_by_key(tx)
        live = [
            KeyStatus(key.id.hex(), "current" if key is ring.current else "old", counts.pop(key.id, 0))
            for key in ring.keys
        ]
        return live + [KeyStatus(key_id.hex(), "unknown", count) for key_id, count in counts.items()]

    async def rotate(self, new: bytes | None = None, *, dry_run: bool = False) -> Rotated:
        """Make a key, or use `new`, encrypt all secrets with it, and retire the other keys.

        If an earlier rotation was interrupted, completes that one instead. Raises VaultLocked, VaultBusy,
        VaultKeyGiven, VaultKeyRefused.
        """
        with self._keys.rotating():
            ring = await self._checked_ring()
            resumed = len(ring.keys) > 1
            if not resumed and self._keys.fixed:
                raise VaultKeyGiven
            _require_usable(new, ring, resumed=resumed)
            if dry_run:
                return await self._dry_run(ring, resumed=resumed)
            if not resumed:
                ring = await self._begin(Ring((Key(new) if new is not None else Key.random(), *ring.keys)))
            sealed_anew = await self._seal_anew(ring)
            await self._retire(ring)
            old = tuple(key.id.hex() for key in ring.keys[1:])
            return Rotated(ring.current.id.hex(), old, sealed_anew, resumed, self._keys.fixed)

    async def forget(self) -> int:
        """Delete the values that no live key decrypts. Returns their number. Raises VaultLocked, VaultBusy."""
        with self._keys.rotating():
            async with self._database.transaction() as tx:
                count = await store.delete_of_other_keys(tx, self._keys.ring().ids)
                await note(tx, "vault.forgotten", "vault", after={"values": count})
                return count

    async def _begin(self, ring: Ring) -> Ring:
        async with self._database.transaction() as tx:
            await note(tx, "vault.rotation_begun", ring.current.id.hex(), before=_old(ring))
            self._keys.replace(ring.keys)
        return ring

    async def _checked_ring(self) -> Ring:
        """The live keys. Raises VaultLocked if another key has encrypted a stored value."""
        async with self._database.transaction() as tx:
            ring = self._keys.ring()
            if await store.row_of_other_keys(tx, ring.ids):
                raise VaultLocked
        return ring

    async def _dry_run(self, ring: Ring, *, resumed: bool) -> Rotated:
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
                sealed_anew = await _seal_some_anew(tx, ring)
            done += sealed_anew
            if not sealed_anew:
                return done

    async def _retire(self, ring: Ring) -> None:
        async with self._database.transaction() as tx:
            await self._remember_derived(tx, ring)
        async with self._database.transaction() as tx:
            # A server encrypts inside a transaction, and reads the live keys there. As transactions are serial, none
            # can encrypt with an old key between this check and the replacement of the keys.
            if await store.row_of_other_keys(tx, [ring.current.id]):
                raise VaultLocked
            await note(tx, "vault.rotated", ring.current.id.hex(), before=_old(ring))
            if not self._keys.fixed:
                self._keys.replace([ring.current])

    async def _remember_derived(self, tx: Transaction, ring: Ring) -> None:
        """Store the keys that were derived from the old keys, for as long as their signatures are valid."""
        now = tx.now / 1_000_000
        await store.forget_retired(tx, now=now)
        for key in ring.keys[1:]:
            owner = f"{store.RETIRED}{key.id.hex()}"
            for purpose, seconds in self._purposes.items():
                sealed = ring.seal(owner, purpose, key.derive(purpose).hex())
                await store.put(tx, owner, purpose, sealed, now + seconds)


async def _seal_some_anew(tx: Transaction, ring: Ring) -> int:
    """Encrypt as many values with the current key as one transaction may. Returns their number."""
    done = size = 0
    for owner_id, kind in await store.names_of_other_keys(tx, [ring.current.id], limit=BATCH):
        row = await store.get(tx, owner_id, kind)
        value = ring.open(owner_id, kind, row.value)
        await store.put(tx, owner_id, kind, ring.seal(owner_id, kind, value), row.expires_at)
        done, size = done + 1, size + len(row.value)
        if size >= BATCH_BYTES:
            break
    return done


def _old(ring: Ring) -> dict[str, list[str]]:
    """The keys that a rotation retires, by their ids, in the audit."""
    return {"keys": [key.id.hex() for key in ring.keys[1:]]}


def _require_usable(new: bytes | None, ring: Ring, *, resumed: bool) -> None:
    if new is None:
        return
    if resumed and new != ring.current.secret:
        raise VaultKeyRefused(
            f"An earlier rotation, to the key {ring.current.id.hex()}, has to be completed first.",
            help="Rotate without naming a key; then rotate to this key.",
        )
    if not resumed and Key(new).id in ring.ids:
        raise VaultKeyRefused(
            "The vault has this key already.", help="Make a new key: `openssl rand -base64 32`."
        )
