"""Ask an accounts server for a new access token."""

import json
from typing import Any

from moorage.clock import Clock
from moorage.oauth.errors import RefreshFailed, RefreshRefused
from moorage.oauth.tokens import AccessToken

# What Zoho answers while a caller asks too often, and when it has trouble of its own: worth another try later.
TEMPORARY = frozenset(
    {"Access Denied", "access_denied", "general_error", "temporarily_unavailable", "server_error"}
)


def read_token_answer(status: int, body: bytes, clock: Clock) -> AccessToken:
    """What a token endpoint granted. Zoho answers errors with status 200, so the body alone decides.

    Raises RefreshRefused and RefreshFailed.
    """
    try:
        document: Any = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RefreshFailed(f"The accounts server answered {status} and no JSON.")
    token, error = document.get("access_token"), document.get("error")
    if isinstance(token, str) and token:
        lifetime = document.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) else 3600.0
        return AccessToken(token, clock.timestamp() + seconds)
    if status >= 500 or error is None or error in TEMPORARY:
        raise RefreshFailed(f"The accounts server answered {status} {error}.")
    raise RefreshRefused(str(error)[:200])
