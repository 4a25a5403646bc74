"""Put, get and shred secrets, sealed with the keys that are live."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from moorage.storage import Database, Transaction
from moorage.vault import store
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import KeySource

T = TypeVar("T")

LOOKS = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret and when it ends, in seconds since the epoch."""

    value: str = field(repr=False)
    expires_at: float | None


class Vault:
    """The keys are asked for inside of each transaction: a rotation retires a key in one, too, so none gets between."""

    def __init__(self, database: Database, keys: KeySource) -> None:
        self._database = database
        self._keys = keys

    async def put(self, owner_id: str, kind: str, value: str, expires_at: float | None = None) -> None:
        """Keep a secret in place of the one of the same owner and kind.

        Raises VaultLocked when others were sealed with a key that isn't live.
        """
        async with self._database.transaction() as tx:
            await self.put_in(tx, owner_id, kind, value, expires_at)

    async def put_in(
        self, tx: Transaction, owner_id: str, kind: str, value: str, expires_at: float | None = None
    ) -> None:
        """The same, as a part of an open transaction."""
        ring = self._keys.ring()
        if await store.sealed_otherwise(tx, ring.ids):
            raise VaultLocked  # A wrong key must not leave secrets behind that the right one can't open.
        await store.put(tx, owner_id, kind, ring.seal(owner_id, kind, value), expires_at)

    async def get(self, owner_id: str, kind: str) -> Kept | None:
        """Raises VaultLocked when no key that is live sealed it."""
        return await self.read(lambda tx: self.get_in(tx, owner_id, kind))

    async def read(self, look: Callable[[Transaction], Awaitable[T]]) -> T:
        """What a look into the vault gives, which takes no lock. Raises VaultLocked.

        What is read is of one moment, and the keys of a later one: when a rotation comes to its end in between, the
        look is repeated. Only a rotation's end changes what opens, so a third look in vain means a wrong key.
        """
        for _ in range(LOOKS - 1):
            with contextlib.suppress(VaultLocked):
                async with self._database.reading() as tx:
                    return await look(tx)
        async with self._database.reading() as tx:
            return await look(tx)

    async def get_in(self, tx: Transaction, owner_id: str, kind: str) -> Kept | None:
        """The same, as a part of an open transaction."""
        row = await store.get(tx, owner_id, kind)
        if row is None:
            return None
        return Kept(self._keys.ring().open(owner_id, kind, row.value), row.expires_at)

    async def shred_in(self, tx: Transaction, owner_id: str, kind: str | None = None) -> None:
        """Forget everything kept for an owner, or of one kind, as a part of an open transaction."""
        await store.remove(tx, owner_id, kind)

    async def check(self) -> None:
        """Raises VaultLocked when the keys that are live do not open all that is stored."""

        async def look(tx: Transaction) -> None:
            ring = self._keys.ring()
            row = await store.sealed_otherwise(tx, ring.ids) or await store.any_row(tx)
            if row is not None:
                ring.open(row.owner_id, row.kind, row.value)

        await self.read(look)

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, such as signing; a rotation gives another one. Raises VaultLocked."""
        return self._keys.ring().current.derive(purpose)

    async def derived(self, purpose: str) -> list[bytes]:
        """What `derive` gives and lately gave: the newest first. Raises VaultLocked."""

        async def look(tx: Transaction) -> list[bytes]:
            ring = self._keys.ring()
            rows = await store.retired(tx, purpose, now=tx.now / 1_000_000)
            older = [bytes.fromhex(ring.open(row.owner_id, row.kind, row.value)) for row in rows]
            return [key.derive(purpose) for key in ring.keys] + older

        return await self.read(look)
