"""A connection as a value, and in the form of the control API."""

from typing import Any, Literal, TypeAlias

import msgspec

from moorage.access import Reach
from moorage.connections.labels import NO_LABELS, Labels
from moorage.http.timestamps import wire_time_of

Status: TypeAlias = Literal["ACTIVE", "PENDING", "FAILED"]
STATUSES: tuple[Status, ...] = ("ACTIVE", "PENDING", "FAILED")

# The kind of account that calls reach: an organisation of the embedded CRM, an account for trials, or a real account.
Environment: TypeAlias = Literal["embedded", "sandbox", "live"]
ENVIRONMENTS: tuple[Environment, ...] = ("embedded", "sandbox", "live")

# A place in the order of connections: the creation time and the id of the connection before it.
Place: TypeAlias = tuple[int, str]


class Upstream(msgspec.Struct, frozen=True):
    """The destination of calls: an organisation of the embedded CRM, or a base URL of a data centre."""

    kind: Literal["embedded", "remote"]
    base_url: str | None = None
    organisation: str | None = None
    data_centre: str | None = None


class Connection(msgspec.Struct, frozen=True):
    """Times are in microseconds since the epoch.

    `generation` counts activations; each makes older session tokens invalid. It has its status `since` then.

    `asked_by` is the name of the key that created the connection. With `embedded`, the connect page offers the
    embedded CRM. A person who has connected it is sent to `return_url`.
    """

    id: str
    account_id: str
    app: str
    method: str
    status: Status
    created: int
    updated: int
    generation: int
    metadata: dict[str, Any]
    upstream: Upstream | None
    asked_by: str | None = None
    embedded: bool = False
    labels: Labels = NO_LABELS
    since: int = 0
    return_url: str | None = None

    @property
    def was_connected(self) -> bool:
        """True if it was ever ACTIVE."""
        return self.generation > 0

    @property
    def shown_name(self) -> str:
        """What people call it: its alias or id, and whose account it is."""
        holder = self.metadata.get("organisation") or self.metadata.get("user")
        name = self.labels.alias or self.id
        return f"{name} ({holder})" if holder else name

    @property
    def is_outside(self) -> bool:
        """True if it leads to an account outside the embedded CRM, or led there until it failed."""
        return self.upstream is not None and self.upstream.kind != "embedded"


class Filters(msgspec.Struct, frozen=True):
    """Which connections a list has: those that match all that is not None, and have all `tags`."""

    app: str | None = None
    status: str | None = None
    method: str | None = None
    environment: Environment | None = None
    alias: str | None = None
    tags: tuple[str, ...] = ()
    end_user: str | None = None


NO_FILTERS = Filters()


def within(reach: Reach, connection: Connection) -> bool:
    """True if a caller with this reach may see and use the connection. `store.search` has the same rule in SQL."""
    if reach.embedded_only and connection.is_outside:
        return False
    return reach.apps is None or connection.app in reach.apps or connection.id in reach.connections


def connection_document(
    connection: Connection,
    *,
    url: str | None,
    environment: Environment | None,
    default: bool,
    health: dict[str, Any],
    return_url: str | None,
) -> dict[str, Any]:
    """The connection in the form of the control API.

    `url` is the page on which a person connects it. It and `return_url` are None for a caller that may only read, as
    both may hold secrets. `default` is True if calls that name no connection go through it.
    """
    return {
        "connection_id": connection.id,
        "id": connection.id,
        "status": connection.status,
        "creation_time": wire_time_of(connection.created),
        "last_updated_time": wire_time_of(connection.updated),
        "url": url,
        "app": connection.app,
        "method": connection.method,
        "environment": environment,
        "default": default,
        "alias": connection.labels.alias,
        "tags": list(connection.labels.tags),
        "end_user": connection.labels.end_user,
        "return_url": return_url,
        "health": health,
        "metadata": connection.metadata,
    }
