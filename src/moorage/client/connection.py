"""A connection as the control API writes it."""

from typing import Any, TypedDict


class Revocation(TypedDict):
    """`status` is revoked, nothing, unsupported or failed; `message` says what that means for a person."""

    status: str
    message: str


class Connection(TypedDict, total=False):
    """Times are RFC 3339 in UTC. `url` is the page where a person authorises the connection, or does so again; it
    is None for a key that may only read."""

    connection_id: str
    status: str
    creation_time: str
    last_updated_time: str
    url: str | None
    app: str
    method: str
    metadata: dict[str, Any]
