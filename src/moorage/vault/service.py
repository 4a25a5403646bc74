"""Put, get and shred secrets: AES-256-GCM with a fresh nonce, bound to the row it lies in."""

import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moorage.storage import Database, Transaction
from moorage.vault import store
from moorage.vault.errors import VaultLocked

_KEY_ID_SIZE = 4
_NONCE_SIZE = 12


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret and when it ends, in seconds since the epoch."""

    value: str = field(repr=False)
    expires_at: float | None


class Vault:
    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key
        self._cipher = AESGCM(key)
        # Tells which key a value was sealed with, and nothing about the key itself.
        self._key_id = hashlib.sha256(b"moorage vault key id" + key).digest()[:_KEY_ID_SIZE]

    async def put(self, owner_id: str, kind: str, value: str, expires_at: float | None = None) -> None:
        """Keep a secret in place of the one of the same owner and kind.

        Raises VaultLocked when others were sealed with another key.
        """
        async with self._database.transaction() as tx:
            await self.put_in(tx, owner_id, kind, value, expires_at)

    async def put_in(
        self, tx: Transaction, owner_id: str, kind: str, value: str, expires_at: float | None = None
    ) -> None:
        """The same, as a part of an open transaction."""
        row = await store.least_certain(tx, self._key_id)
        if row is not None and not row.value.startswith(self._key_id):
            raise VaultLocked  # A wrong key must not leave secrets behind that the right one can't open.
        await store.put(tx, owner_id, kind, self._seal(owner_id, kind, value), expires_at)

    async def get(self, owner_id: str, kind: str) -> Kept | None:
        """Raises VaultLocked when the key in use did not seal it."""
        async with self._database.transaction() as tx:
            row = await store.get(tx, owner_id, kind)
        return Kept(self._open(owner_id, kind, row.value), row.expires_at) if row else None

    async def shred_in(self, tx: Transaction, owner_id: str) -> None:
        """Forget everything kept for an owner, as a part of an open transaction."""
        await store.remove(tx, owner_id)

    async def check(self) -> None:
        """Raises VaultLocked when the key in use does not open all that is stored."""
        async with self._database.transaction() as tx:
            row = await store.least_certain(tx, self._key_id)
        if row is not None:
            self._open(row.owner_id, row.kind, row.value)

    def derive(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose, such as signing; it tells nothing of the vault's."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(self._key)

    def _seal(self, owner_id: str, kind: str, value: str) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        return self._key_id + nonce + self._cipher.encrypt(nonce, value.encode(), _place(owner_id, kind))

    def _open(self, owner_id: str, kind: str, sealed: bytes) -> str:
        key_id, rest = sealed[:_KEY_ID_SIZE], sealed[_KEY_ID_SIZE:]
        if key_id != self._key_id:
            raise VaultLocked
        try:
            opened = self._cipher.decrypt(rest[:_NONCE_SIZE], rest[_NONCE_SIZE:], _place(owner_id, kind))
        except (InvalidTag, ValueError):  # A value cut short is a ValueError.
            raise VaultLocked from None
        return opened.decode()


def _place(owner_id: str, kind: str) -> bytes:
    """Binds a sealed value to its row, so that swapping two rows opens neither."""
    return f"secrets\0{owner_id}\0{kind}".encode()
