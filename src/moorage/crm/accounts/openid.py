"""OpenID Connect in addition to Zoho's scopes: discovery, the public key, ID tokens and the claims about a user.

(OpenID Connect Core 1.0 and Discovery 1.0; RFC 7515, 7517.)
"""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from moorage.crm.accounts.service import ACCESS_LIFETIME, Issued
from moorage.crm.centres import Site
from moorage.crm.secret_key import SecretKeeper
from moorage.digests import base64url, digest_of
from moorage.storage.errors import DatabaseUnusable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SCOPES = ("openid", "profile", "email")
KEY_BITS = 2048
NAME = "openid"


class IdTokens:
    """Signs with a private key. The key is made at its first use, and kept by `keeper`.

    Making, reading and using the key takes long, so it happens in a thread, for one caller at a time. All methods raise
    DatabaseUnusable if what is kept is no such key.
    """

    def __init__(self, keeper: SecretKeeper) -> None:
        self._keeper = keeper
        self._key: RSAPrivateKey | None = None
        self._published: Mapping[str, Any] | None = None
        self._turn = threading.Lock()

    async def published(self) -> Mapping[str, Any]:
        """The public key as a JWK Set."""
        return await asyncio.to_thread(self._publish) if self._published is None else self._published

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims as a signed JWT."""
        return await asyncio.to_thread(self._sign, claims)

    def _publish(self) -> Mapping[str, Any]:
        published = self._published
        if published is None:
            numbers = self._private().public_key().public_numbers()
            key = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
            thumbprint = hashlib.sha256(msgspec.json.encode(dict(sorted(key.items())))).digest()
            published = {"keys": [{**key, "use": "sig", "alg": "RS256", "kid": base64url(thumbprint)}]}
            self._published = published
        return published

    def _sign(self, claims: Mapping[str, Any]) -> str:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 (few servers sign)
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        head = {"alg": "RS256", "typ": "JWT", "kid": self._publish()["keys"][0]["kid"]}
        signed = ".".join(base64url(msgspec.json.encode(part)) for part in (head, claims))
        return f"{signed}.{base64url(self._private().sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def _private(self) -> "RSAPrivateKey":
        with self._turn:
            return self._read()

    def _read(self) -> "RSAPrivateKey":
        if self._key is None:
            from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415

            try:
                key = serialization.load_der_private_key(self._keeper.kept(NAME, _new_key), None)
            except ValueError as error:
                raise _damaged(self._keeper.where(NAME)) from error
            if not isinstance(key, RSAPrivateKey):
                raise _damaged(self._keeper.where(NAME))
            self._key = key
        return self._key


def _damaged(where: str) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"{Path(where).name}, the key that signs ID tokens, can't be read.",
        help="Put the file back, or remove it. Then a new key is made, and older ID tokens can't be verified any more.",
        kind="damaged",
    )


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(65537, KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def discovery(site: Site) -> dict[str, Any]:
    """The document of `/.well-known/openid-configuration`. Each data centre is an issuer of its own."""
    base = site.here
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/v2/auth",
        "token_endpoint": f"{base}/oauth/v2/token",
        "userinfo_endpoint": f"{base}/oauth/v2/userinfo",
        "revocation_endpoint": f"{base}/oauth/v2/token/revoke",
        "jwks_uri": f"{base}/oauth/v2/keys",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "nonce", "at_hash"),
            *("name", "given_name", "family_name", "email", "email_verified"),
        ],
    }


def user_claims(user: Mapping[str, Any], allows: Callable[[str], bool]) -> dict[str, Any]:
    """The claims about a user that the scopes of a client allow."""
    allowed = {"sub": str(user["zuid"] or user["id"])}
    if allows("profile"):
        allowed |= {
            "name": user["full_name"],
            "given_name": user["first_name"],
            "family_name": user["last_name"],
        }
    return allowed | ({"email": user["email"], "email_verified": True} if allows("email") else {})


def claims(issued: Issued, user: Mapping[str, Any], client_id: str, site: Site) -> dict[str, Any]:
    """The claims of the ID token that a client gets with an access token."""
    nonce = {} if issued.nonce is None else {"nonce": issued.nonce}
    begins = int(issued.expires_at) - ACCESS_LIFETIME
    return {
        "iss": site.here,
        "aud": client_id,
        "iat": begins,
        "exp": begins + ACCESS_LIFETIME,
        **nonce,
        "at_hash": base64url(digest_of(issued.access_token)[:16]),
        **user_claims(user, issued.scopes.allows),
    }


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
