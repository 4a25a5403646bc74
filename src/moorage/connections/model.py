"""A connection as a value, and how the wire shows it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from moorage.access import Reach
from moorage.http.timestamps import wire_time

Status: TypeAlias = Literal["ACTIVE", "PENDING", "FAILED"]
STATUSES: tuple[Status, ...] = ("ACTIVE", "PENDING", "FAILED")

# Of what kind the account is that calls reach: in the CRM inside this Moorage, made to try things out, or the real one.
Environment: TypeAlias = Literal["embedded", "sandbox", "live"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where calls go: the embedded CRM's organisation, or a base URL of a data centre."""

    kind: Literal["embedded", "remote"]
    base_url: str | None = None
    organisation: str | None = None
    data_centre: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Times are in microseconds since the epoch. `generation` counts activations: each ends older session tokens.

    `asked_by` names the key that asked for it; with `embedded`, whoever opens its url may lead it to the embedded CRM.
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

    @property
    def was_connected(self) -> bool:
        """Whether it was ever ACTIVE."""
        return self.generation > 0

    @property
    def is_outside(self) -> bool:
        """Whether it leads, or led until it failed, to an account that is not the embedded CRM's."""
        return self.upstream is not None and self.upstream.kind != "embedded"


def within(reach: Reach, connection: Connection) -> bool:
    """Whether a caller with that reach may see and use the connection. `store.search` asks the database the same."""
    if reach.embedded_only and connection.is_outside:
        return False
    return reach.apps is None or connection.app in reach.apps or connection.id in reach.connections


def _time(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return wire_time(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest))


def connection_document(
    connection: Connection, *, url: str | None, environment: Environment | None, default: bool
) -> dict[str, Any]:
    """The connection as the control API shows it.

    `url` is where a person connects it, for those who may let them; `default` says whether calls that name no
    connection go through it.
    """
    return {
        "connection_id": connection.id,
        "id": connection.id,
        "status": connection.status,
        "creation_time": _time(connection.created),
        "last_updated_time": _time(connection.updated),
        "url": url,
        "app": connection.app,
        "method": connection.method,
        "environment": environment,
        "default": default,
        "metadata": connection.metadata,
    }
