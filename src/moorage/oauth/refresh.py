"""Ask an accounts server for a new access token."""

import re
from typing import Any

import msgspec

from moorage.clock import Clock
from moorage.oauth.errors import RefreshFailed, RefreshRefused
from moorage.oauth.tokens import AccessToken

# What Zoho answers while a caller asks too often, and when it has trouble of its own: worth another try later.
TEMPORARY = frozenset(
    {"Access Denied", "access_denied", "general_error", "temporarily_unavailable", "server_error"}
)

# A token becomes a part of a header, so nothing else may stand in it.
_TOKEN = re.compile(r"[\x21-\x7e]+")
_USUAL = 3600.0  # Seconds that a token lasts if its answer says nothing that makes sense.
_LONGEST = 10 * 365 * 86_400


def read_token_answer(status: int, body: bytes, clock: Clock) -> AccessToken:
    """What a token endpoint granted. Zoho answers errors with status 200, so the body alone decides.

    Raises RefreshRefused and RefreshFailed.
    """
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RefreshFailed(f"The accounts server answered {status} and no JSON.")
    token, error = document.get("access_token"), document.get("error")
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return AccessToken(token, clock.timestamp() + _lifetime(document.get("expires_in")))
    if status >= 500 or not isinstance(error, str) or error in TEMPORARY:
        raise RefreshFailed(f"The accounts server answered {status} and no token.")
    raise RefreshRefused(error[:200])


def _lifetime(seconds: Any) -> float:
    usable = isinstance(seconds, int | float) and 0 < seconds <= _LONGEST
    return float(seconds) if usable else _USUAL
