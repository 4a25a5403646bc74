"""Stores, reads and deletes secrets, which are encrypted with the live keys."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from moorage.storage import Database, Transaction
from moorage.vault import store
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import KeySource

T = TypeVar("T")

READ_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret and the time at which it expires, in seconds since the epoch."""

    value: str = field(repr=False)
    expires_at: float | None


class Vault:
    """Reads the live keys inside of each transaction. A rotation retires keys inside of one, too, and transactions are
    serial (`Database.transaction`). So no secret is encrypted with a retired key.
    """

    def __init__(self, database: Database, keys: KeySource) -> None:
        self._database = database
        self._keys = keys

    async def put(self, owner_id: str, kind: str, value: str, expires_at: float | None = None) -> None:
        """Store a secret in place of an older one with the same owner and kind.

        Raises VaultLocked if a stored secret was encrypted with a key that isn't live.
        """
        async with self._database.transaction() as tx:
            await self.put_in(tx, owner_id, kind, value, expires_at)

    async def put_in(
        self, tx: Transaction, owner_id: str, kind: str, value: str, expires_at: float | None = None
    ) -> None:
        """`put` as a part of an open transaction."""
        ring = self._keys.ring()
        if await store.row_of_other_keys(tx, ring.ids):
            raise VaultLocked  # A wrong key must not encrypt secrets that the right key then can't decrypt.
        await store.put(tx, owner_id, kind, ring.seal(owner_id, kind, value), expires_at)

    async def get(self, owner_id: str, kind: str) -> StoredSecret | None:
        """A secret, or None. Raises VaultLocked if no live key has encrypted it."""
        return await self.read(lambda tx: self.get_in(tx, owner_id, kind))

    async def read(self, query: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a query on the vault in a reading transaction, which takes no lock. Raises VaultLocked.

        The transaction sees one moment, but the keys are read later. If a rotation ends in between, the query fails and
        is repeated. Only the end of a rotation can cause this, so after three failures the key is wrong.
        """
        for _ in range(READ_ATTEMPTS - 1):
            with contextlib.suppress(VaultLocked):
                async with self._database.reading() as tx:
                    return await query(tx)
        async with self._database.reading() as tx:
            return await query(tx)

    async def get_in(self, tx: Transaction, owner_id: str, kind: str) -> StoredSecret | None:
        """`get` as a part of an open transaction."""
        row = await store.get(tx, owner_id, kind)
        if row is None:
            return None
        return StoredSecret(self._keys.ring().open(owner_id, kind, row.value), row.expires_at)

    async def shred_in(self, tx: Transaction, owner_id: str, kind: str | None = None) -> None:
        """Delete all secrets of an owner, or those of one kind, as a part of an open transaction."""
        await store.remove(tx, owner_id, kind)

    async def check(self) -> None:
        """Raises VaultLocked if the live keys do not decrypt all stored secrets."""

        async def open_one(tx: Transaction) -> None:
            ring = self._keys.ring()
            row = await store.row_of_other_keys(tx, ring.ids) or await store.any_row(tx)
            if row is not None:
                ring.open(row.owner_id, row.kind, row.value)

        await self.read(open_one)

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, such as signing. It changes with a rotation. Raises VaultLocked."""
        return self._keys.ring().current.derive(purpose)

    async def derived(self, purpose: str) -> list[bytes]:
        """The key of `derive` and its predecessors that are still valid, the newest first. Raises VaultLocked."""

        async def all_derived(tx: Transaction) -> list[bytes]:
            ring = self._keys.ring()
            rows = await store.retired(tx, purpose, now=tx.now / 1_000_000)
            older = [bytes.fromhex(ring.open(row.owner_id, row.kind, row.value)) for row in rows]
            return [key.derive(purpose) for key in ring.keys] + older

        return await self.read(all_derived)
