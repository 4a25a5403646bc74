"""What codes and tokens look like. Each has a prefix by which scanners find it, and a checksum, as keys have."""

import hmac
import re
from typing import Literal, TypeAlias

from moorage.keys.model import base62, checksum, random_text

Kind: TypeAlias = Literal["ac", "at", "rt"]  # An authorization code, an access token, a refresh token.

_RANDOM = 40  # Characters of 62 kinds: 238 bits.
_CHECK = 6
_LONGEST_AUTHORIZATION = 200  # Characters. A header with a token of ours is much shorter.
_FORM = re.compile(rf"mo_(ac|at|rt)_[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")


def new_token(kind: Kind) -> str:
    return _whole(kind, random_text(_RANDOM))


def successor(refresh_token: str, nonce: bytes) -> str:
    """The refresh token that follows this one. Only who has both the token and the nonce can compute it.

    So a program that lost our answer gets the same token once more, and we need not keep it.
    """
    number = int.from_bytes(hmac.digest(refresh_token.encode(), nonce, "sha256"))
    return _whole("rt", base62(number, _RANDOM))


def is_formed(kind: Kind, text: str) -> bool:
    """False if the text can't be such a token."""
    found = _FORM.fullmatch(text)
    return found is not None and found[1] == kind and text[-_CHECK:] == checksum(text[3:-_CHECK])


def access_token_in(authorization: str | None) -> str | None:
    """The access token of ours in an Authorization header; None if there is something else, such as an API key."""
    scheme, _, secret = (authorization or "")[:_LONGEST_AUTHORIZATION].partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip().startswith("mo_at_") else None


def _whole(kind: Kind, body: str) -> str:
    return f"mo_{kind}_{body}{checksum(f'{kind}_{body}')}"
