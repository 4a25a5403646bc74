"""Digests of secrets, which are stored in place of the secrets, and how they are written as text."""

import base64
import hashlib


def digest_of(text: str) -> bytes:
    """SHA-256, which is enough for secrets too random to be guessed. Any text has one, even with a lone surrogate."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def base64url(raw: bytes) -> str:
    """Base64 with the alphabet of URLs and without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """The PKCE challenge of a verifier, by S256 (RFC 7636)."""
    return base64url(digest_of(verifier))
