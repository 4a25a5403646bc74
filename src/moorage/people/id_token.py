"""Verifies ID tokens: the signature by PyJWT, and the claims (OpenID Connect Core 1.0, section 3.1.3.7)."""

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from moorage.people.errors import IssuerFailed
from moorage.people.issuer import Issuer

if TYPE_CHECKING:
    import jwt

LEEWAY = 120.0  # Seconds by which clocks may differ.
LONGEST = 16 * 1024
_LARGEST = 2**53
# Signatures by the issuer's private key only. With HMAC, whoever knows the client's secret could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# What the claims say is compared below, times with our own clock.
_ONLY_SIGNATURE: Any = dict.fromkeys(
    ("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss", "verify_sub", "verify_jti"), False
)


class Identity(msgspec.Struct, frozen=True):
    """Who signed in at an issuer. `email` is an address that the issuer has verified; None if it has not."""

    issuer: str
    subject: str
    email: str | None
    name: str


async def verified(issuer: Issuer, token: str, nonce: str, now: float) -> Identity:
    """Who signed in. Raises IssuerFailed if the token is not the issuer's, for us, of this sign-in, and still good."""
    if len(token) > LONGEST:
        raise IssuerFailed("its ID token is too long")
    claims = await _signed_claims(issuer, token)
    _require_good(issuer, claims, now)
    own = claims.get("nonce")
    if not isinstance(own, str) or not own.isascii() or not hmac.compare_digest(own, nonce):
        raise IssuerFailed("its ID token is of another sign-in")
    email, is_verified = claims.get("email"), claims.get("email_verified")
    has_email = isinstance(email, str) and (is_verified is True or is_verified == "true")
    name = claims.get("name")
    return Identity(
        issuer.client.issuer,
        claims["sub"],
        email if has_email else None,
        name if isinstance(name, str) else "",
    )


async def _signed_claims(issuer: Issuer, token: str) -> Mapping[str, Any]:
    import jwt  # noqa: PLC0415 (few servers verify ID tokens, and the library loads slowly)

    try:
        head = jwt.get_unverified_header(token)
        if head.get("alg") not in ALGORITHMS:
            raise IssuerFailed("its ID token is not signed well")
        key = _key(head, await issuer.keys()) or _key(head, await issuer.keys(again=True))
        if key is None:
            raise IssuerFailed("its ID token is signed with a key that it does not publish")
        claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=ALGORITHMS, options=_ONLY_SIGNATURE)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise IssuerFailed("its ID token is not signed well") from error
    return claims


def _key(head: Mapping[str, Any], keys: list[Any]) -> "jwt.PyJWK | None":
    """The key that a token names. A token that names none fits if there is only one key."""
    import jwt  # noqa: PLC0415

    named = [key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig"]
    if "kid" in head:
        named = [key for key in named if key.get("kid") == head["kid"]]
    return jwt.PyJWK.from_dict(named[0], head.get("alg")) if len(named) == 1 else None


def _require_good(issuer: Issuer, claims: Mapping[str, Any], now: float) -> None:
    client_id, audience = issuer.client.client_id, claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer.client.issuer:
        raise IssuerFailed("its ID token is of another issuer")
    is_for_us = client_id in audiences and (len(audiences) == 1 or "azp" in claims)
    if not is_for_us or claims.get("azp", client_id) != client_id:
        raise IssuerFailed("its ID token is for another client")
    ends: Any = claims.get("exp")
    begins: Any = claims.get("iat")
    if not _is_time(ends) or not _is_time(begins) or not begins - LEEWAY <= now < ends + LEEWAY:
        raise IssuerFailed("its ID token has expired, or its clock is wrong")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise IssuerFailed("its ID token names nobody")


def _is_time(value: Any) -> bool:
    """True for seconds that can be reckoned with. JSON has numbers without bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
