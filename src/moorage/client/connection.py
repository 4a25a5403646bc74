"""A connection as the control API writes it."""

from typing import Any, TypedDict


class Revocation(TypedDict):
    """`status` is revoked, nothing, unsupported or failed; `message` says what that means for a person."""

    status: str
    message: str


class Default(TypedDict):
    """Which connection calls of an app go through that name none, and which was chosen for that; either may be None."""

    app: str
    connection_id: str | None
    chosen: str | None


class Connection(TypedDict, total=False):
    """Times are RFC 3339 in UTC. `url` is the page where a person authorises the connection, or does so again; it
    is None for a key that may only read. `environment` is embedded, sandbox or live, and None until it is connected;
    `default` says whether calls go through it that name no connection."""

    connection_id: str
    status: str
    creation_time: str
    last_updated_time: str
    url: str | None
    app: str
    method: str
    environment: str | None
    default: bool
    metadata: dict[str, Any]
