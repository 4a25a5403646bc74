"""An API key as the control API writes it."""

from typing import TypedDict


class Key(TypedDict):
    """Times are RFC 3339 in UTC. `prefix` is how the secret begins, if Moorage made it."""

    id: str
    name: str
    mode: str
    prefix: str | None
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
