"""A connection, in the form of the control API."""

from typing import Any, TypedDict


class Revocation(TypedDict):
    """What became of the tokens of a deleted connection. `status` is revoked, nothing, unsupported or failed.

    `message` explains the status to a person.
    """

    status: str
    message: str


class Default(TypedDict):
    """`connection_id` is the connection for calls to the app that name no connection; None if there is none.

    `chosen` is the connection that somebody has chosen for this; None if nobody has chosen.
    """

    app: str
    connection_id: str | None
    chosen: str | None


class Health(TypedDict):
    """`status` is ok, limited, pending or failed. `next` is what to do; None if there is nothing to do."""

    status: str
    reason: str
    since: str | None
    next: str | None


class Pruned(TypedDict):
    """`connections` were deleted, or would be if `dry_run` was not set. `more` is True if there may be others."""

    connections: "list[Connection]"
    dry_run: bool
    more: bool


class Connection(TypedDict, total=False):
    """A connection. Times are RFC 3339 in UTC.

    `url` is the page where a person authorises the connection, also a second time; it is None for a key that may only
    read. `environment` is embedded, sandbox or live, and None until the connection is connected. `default` is True if
    calls that name no connection go through this one. `alias` can be used wherever an id can. `tags` and `end_user` are
    what the holder wrote on it. `health` is how it is, in plain words.
    """

    connection_id: str
    status: str
    creation_time: str
    last_updated_time: str
    url: str | None
    app: str
    method: str
    environment: str | None
    default: bool
    alias: str | None
    tags: list[str]
    end_user: str | None
    return_url: str | None
    health: Health
    metadata: dict[str, Any]
