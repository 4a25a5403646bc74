"""What accounts servers answer when they are asked for tokens."""

from http import HTTPStatus
from typing import Any

import msgspec

from moorage.clock import Clock
from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.model import AccessToken, Minted, is_visible

# What Zoho answers while a caller asks too often, and when it has trouble of its own: worth another try later.
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

_USUAL = 3600.0  # Seconds that a token lasts if its answer says nothing that makes sense.
_LONGEST = 10 * 365 * 86_400


def read_token_answer(status: int, body: bytes, clock: Clock) -> Minted:
    """What a token endpoint granted. Zoho answers errors with status 200, so the body alone decides.

    Raises TokenRefused and TokenFailed.
    """
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise TokenFailed(f"The accounts server answered {status} and no JSON.")
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
        # Whatever else stands there is not kept: it could be anything, even what was sent.
        known = error if isinstance(error, str) and error in TEMPORARY else None
        raise TokenFailed(f"The accounts server answered {status} and no token.", reason=known)
    raise TokenRefused(error[:200])


def _text(document: dict[str, Any], name: str) -> str | None:
    found = document.get(name)
    return found if isinstance(found, str) and is_visible(found) else None


def _lifetime(seconds: Any) -> float:
    usable = isinstance(seconds, int | float) and 0 < seconds <= _LONGEST
    return float(seconds) if usable else _USUAL
