"""Keys, and values encrypted with them: AES-256-GCM with a fresh nonce, bound to the row that holds the value."""

import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moorage.vault.errors import VaultLocked

KEY_ID_SIZE = 4
_NONCE_SIZE = 12


@dataclass(frozen=True, slots=True)
class Key:
    """`id` tells which key a value was sealed with, and nothing about the key itself."""

    secret: bytes = field(repr=False)
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(b"moorage vault key id" + self.secret).digest()
        object.__setattr__(self, "id", digest[:KEY_ID_SIZE])

    @classmethod
    def random(cls) -> "Key":
        return cls(os.urandom(32))

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, such as signing; it tells nothing of this one."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(self.secret)


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys that are live: the first one seals, all of them open. There is always at least one."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        return self.keys[0]

    @property
    def ids(self) -> list[bytes]:
        return [key.id for key in self.keys]

    def seal(self, owner_id: str, kind: str, value: str) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        sealed = AESGCM(self.current.secret).encrypt(nonce, value.encode(), _place(owner_id, kind))
        return self.current.id + nonce + sealed

    def open(self, owner_id: str, kind: str, sealed: bytes) -> str:
        """Raises VaultLocked for what none of the keys sealed, or not for this place."""
        key = next((key for key in self.keys if key.id == sealed[:KEY_ID_SIZE]), None)
        if key is None:
            raise VaultLocked
        nonce, rest = sealed[KEY_ID_SIZE:][:_NONCE_SIZE], sealed[KEY_ID_SIZE + _NONCE_SIZE :]
        try:
            return AESGCM(key.secret).decrypt(nonce, rest, _place(owner_id, kind)).decode()
        except (InvalidTag, ValueError):  # A value cut short is a ValueError.
            raise VaultLocked from None


def _place(owner_id: str, kind: str) -> bytes:
    """Binds a sealed value to its row, so that swapping two rows opens neither."""
    return f"secrets\0{owner_id}\0{kind}".encode()
