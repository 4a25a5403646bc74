"""A connection as a value, and how the wire shows it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["ACTIVE", "PENDING", "FAILED"]
STATUSES: tuple[Status, ...] = ("ACTIVE", "PENDING", "FAILED")


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where calls go: the embedded CRM's organisation, or a base URL of a data centre."""

    kind: Literal["embedded", "remote"]
    base_url: str | None = None
    organisation: str | None = None
    data_centre: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Times are in microseconds since the epoch. `generation` counts activations: each ends older session tokens."""

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


def wire_time(microseconds: int) -> str:
    """Such as 2025-12-08T07:20:53.488460Z."""
    seconds, rest = divmod(microseconds, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def document(connection: Connection, url: str) -> dict[str, Any]:
    """The connection as the control API shows it; `url` is where a person connects it."""
    return {
        "connection_id": connection.id,
        "id": connection.id,
        "status": connection.status,
        "creation_time": wire_time(connection.created),
        "last_updated_time": wire_time(connection.updated),
        "url": url,
        "app": connection.app,
        "method": connection.method,
        "metadata": connection.metadata,
    }
