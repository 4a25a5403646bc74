"""Keys, and encryption with them: AES-256-GCM with a new nonce for each value, bound to the row of the value."""

import hashlib
import os
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moorage.vault.errors import VaultLocked

KEY_ID_SIZE = 4
_NONCE_SIZE = 12


@dataclass(frozen=True, slots=True)
class Key:
    """`id` names the key in encrypted values. It reveals nothing about the key itself."""

    secret: bytes = field(repr=False)
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(b"moorage vault key id" + self.secret).digest()
        object.__setattr__(self, "id", digest[:KEY_ID_SIZE])

    @classmethod
    def random(cls) -> "Key":
        return cls(os.urandom(32))

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, such as signing. It reveals nothing about this key."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(self.secret)


class Ring(msgspec.Struct, frozen=True):
    """The keys that are live. The first key encrypts, all of them decrypt. There is always at least one."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        return self.keys[0]

    @property
    def ids(self) -> list[bytes]:
        return [key.id for key in self.keys]

    def seal(self, owner_id: str, kind: str, value: str) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        sealed = AESGCM(self.current.secret).encrypt(nonce, value.encode(), _row(owner_id, kind))
        return self.current.id + nonce + sealed

    def open(self, owner_id: str, kind: str, sealed: bytes) -> str:
        """Decrypt a value. Raises VaultLocked if none of the keys has encrypted it, or if it is of another row."""
        key = next((key for key in self.keys if key.id == sealed[:KEY_ID_SIZE]), None)
        if key is None:
            raise VaultLocked
        nonce, rest = sealed[KEY_ID_SIZE:][:_NONCE_SIZE], sealed[KEY_ID_SIZE + _NONCE_SIZE :]
        try:
            return AESGCM(key.secret).decrypt(nonce, rest, _row(owner_id, kind)).decode()
        except (InvalidTag, ValueError):  # A value that is too short raises ValueError.
            raise VaultLocked from None


def _row(owner_id: str, kind: str) -> bytes:
    """Data that binds an encrypted value to its row, so that it can't be decrypted in another row."""
    return f"secrets\0{owner_id}\0{kind}".encode()
