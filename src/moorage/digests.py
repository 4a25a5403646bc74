"""Digests: those of secrets, which are stored in place of the secrets, those of calls, and how they are written."""

import base64
import hashlib
from collections.abc import Iterable


def digest_of(text: str) -> bytes:
    """SHA-256, which is enough for secrets too random to be guessed. Any text has one, even with a lone surrogate."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def digest_of_parts(parts: Iterable[bytes]) -> bytes:
    """SHA-256 of a sequence. The same bytes, cut into other parts, have another one."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()


def base64url(raw: bytes) -> str:
    """Base64 with the alphabet of URLs and without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """The PKCE challenge of a verifier, by S256 (RFC 7636)."""
    return base64url(digest_of(verifier))
