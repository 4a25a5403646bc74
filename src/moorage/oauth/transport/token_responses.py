"""Reads the answers of token endpoints."""

from http import HTTPStatus
from typing import Any

import msgspec

from moorage.clock import Clock
from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.model import AccessToken, Minted, is_visible

# Codes that pass: Zoho answers them to a client that sends too many requests, and when Zoho itself has a problem.
TEMPORARY = frozenset(
    {
        "Access Denied",
        "access_denied",
        "general_error",
        "server_error",
        "slow_down",
        "temporarily_unavailable",
    }
)

_USUAL = 3600.0  # The lifetime of a token, in seconds, if the answer has no valid one.
_LONGEST = 10 * 365 * 86_400


def read_token_answer(status: int, body: bytes, clock: Clock) -> Minted:
    """The tokens in a token endpoint's answer. Only the body decides, because Zoho sends errors with status 200.

    Raises TokenRefused and TokenFailed.
    """
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise TokenFailed(f"The accounts server answered {status} without JSON.")
    token, error = document.get("access_token"), document.get("error")
    if isinstance(token, str) and is_visible(token):
        access = AccessToken(token, clock.timestamp() + _lifetime(document.get("expires_in")))
        return Minted(access, _text(document, "refresh_token"), _text(document, "api_domain"), document)
    if (
        status >= 500
        or status == HTTPStatus.TOO_MANY_REQUESTS
        or not isinstance(error, str)
        or error in TEMPORARY
    ):
        # Any other text is dropped, because it could contain a secret that we have sent.
        known = error if isinstance(error, str) and error in TEMPORARY else None
        raise TokenFailed(f"The accounts server answered {status} without a token.", reason=known)
    raise TokenRefused(error[:200])


def _text(document: dict[str, Any], name: str) -> str | None:
    text = document.get(name)
    return text if isinstance(text, str) and is_visible(text) else None


def _lifetime(seconds: Any) -> float:
    usable = isinstance(seconds, int | float) and 0 < seconds <= _LONGEST
    return float(seconds) if usable else _USUAL
