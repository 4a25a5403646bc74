"""A file that only who knows the passphrase can read, or change unnoticed.

It begins with a line that names the format, and a line of JSON with what makes the key of the passphrase. Chunks
follow, each encrypted with AES-256-GCM. The nonce of a chunk is its number, and whether it is the last one. The two
lines are authenticated with each chunk. So a chunk that is missing, moved, repeated, added or of another file is
noticed, and so is a file that was cut. The salt is random, so no two files have the same key. (Decision 0083.)
"""

import io
import json
import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from moorage.operator.backups.errors import BackupDamaged, BackupUnreadable, PassphraseWrong

MAGIC = b"moorage backup 1\n"
CHUNK = 256 * 1024  # Bytes of a chunk before it is encrypted. Only the last one is shorter.
_TAG = 16  # Bytes that a chunk is longer when it is encrypted.
_NUMBER = 11  # Bytes of a nonce that have the number of its chunk.
_CHECK = (
    b"\xff" * 12
)  # A nonce that no chunk has. Under it nothing is encrypted, which tells a wrong passphrase.
_LONGEST_HEADER = 1000
# What scrypt costs: 2^17 takes 128 MB and about half a second. Files may ask for more, up to 1 GB.
COST = 17
_MOST_COST = 20
_BLOCK = 8


class Sealing(io.RawIOBase):
    """What is written to it goes sealed into `file`. `finish` writes the last chunk."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        super().__init__()
        salt = os.urandom(16)
        self._key = _key(passphrase, salt, COST)
        header = {"cost": COST, "salt": salt.hex()}
        check = self._key.encrypt(_CHECK, b"", json.dumps(header).encode())
        self._begin = MAGIC + json.dumps(header | {"check": check.hex()}).encode() + b"\n"
        self._file = file
        self._chunk = bytearray()
        self._number = 0
        file.write(self._begin)

    def writable(self) -> bool:
        return True

    def write(self, part: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        if self._file.closed:  # By an error. The archive still writes its end when Python removes it.
            return len(part)
        self._chunk += part
        while len(self._chunk) > CHUNK:  # The last chunk must not be empty, unless it is the only one.
            self._put(self._chunk[:CHUNK], is_last=False)
            del self._chunk[:CHUNK]
        return len(part)

    def finish(self) -> None:
        self._put(self._chunk, is_last=True)

    def _put(self, chunk: bytes | bytearray, *, is_last: bool) -> None:
        self._file.write(self._key.encrypt(_nonce(self._number, is_last=is_last), bytes(chunk), self._begin))
        self._number += 1


class Opening(io.RawIOBase):
    """Reads what was sealed into a file.

    Raises BackupUnreadable and PassphraseWrong at once, and BackupDamaged where it is read.
    """

    def __init__(self, path: Path, file: BinaryIO, passphrase: str) -> None:
        super().__init__()
        self._path = path
        self._file = file
        self._begin, self._key = self._opened(passphrase)
        self._number = 0
        self._next: bytes | None = file.read(CHUNK + _TAG)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = self._chunk()
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def finish(self) -> None:
        """Read to the end, so that it is certain that the file was not cut."""
        while self._chunk():
            pass

    def _opened(self, passphrase: str) -> tuple[bytes, AESGCM]:
        magic = self._file.readline(len(MAGIC))
        if magic != MAGIC:
            why = "a newer version has made it" if magic.startswith(MAGIC[:-2]) else "it is none"
            raise BackupUnreadable(self._path, why)
        line = self._file.readline(_LONGEST_HEADER)
        try:
            header = json.loads(line)
            check, cost, salt = (
                bytes.fromhex(header.pop("check")),
                header["cost"],
                bytes.fromhex(header["salt"]),
            )
            key = _key(passphrase, salt, min(cost, _MOST_COST))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BackupDamaged(self._path, "its beginning makes no sense") from None
        try:
            key.decrypt(_CHECK, check, json.dumps(header).encode())
        except InvalidTag:
            raise PassphraseWrong(self._path) from None
        return MAGIC + line, key

    def _chunk(self) -> bytes:
        """The next chunk; empty at the end."""
        if self._next is None:
            return b""
        sealed, after = self._next, self._file.read(CHUNK + _TAG)
        self._next = after or None
        try:
            chunk = self._key.decrypt(_nonce(self._number, is_last=not after), sealed, self._begin)
        except InvalidTag:
            raise BackupDamaged(
                self._path, f"what follows its {self._number * CHUNK:,} first bytes"
            ) from None
        self._number += 1
        return chunk


def _key(passphrase: str, salt: bytes, cost: int) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**cost, r=_BLOCK, p=1).derive(passphrase.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER) + bytes([is_last])
