"""API keys as values, and how their secrets are made."""

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime

PREFIX = "mk_"
_ALPHABET = string.ascii_letters + string.digits
_RANDOM = 43  # Characters of 62 kinds: 256 bits.
_CHECK = 6


@dataclass(frozen=True, slots=True)
class Principal:
    """Who an API key stands for."""

    key_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What may be shown of a key; its secret is nowhere."""

    id: str
    account_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def new_secret() -> str:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{PREFIX}{body}{checksum(body)}"


def checksum(body: str) -> str:
    """Six characters that a mistyped key does not have."""
    number = int.from_bytes(hashlib.sha256(body.encode()).digest()[:8])
    characters = []
    for _ in range(_CHECK):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)


def may_be_secret(text: str) -> bool:
    """False for what no key can be: keys of ours carry a checksum, those an operator chose may have any form."""
    if not text.startswith(PREFIX) or len(text) != len(PREFIX) + _RANDOM + _CHECK:
        return 16 <= len(text) <= 512
    body = text[len(PREFIX) : -_CHECK]
    return text[-_CHECK:] == checksum(body)


def digest(secret: str) -> bytes:
    """What is stored of a secret. A key has enough chance in it that a fast digest can't be searched."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
