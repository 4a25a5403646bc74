"""Shows connections to a person: as facts, or as rows of a table."""

from collections.abc import Iterator
from typing import Any

import typer

from moorage.cli.output import print_json
from moorage.client import Connection, Health


def show(connection: Connection, *, as_json: bool) -> None:
    if as_json:
        print_json({"connection": connection})
        return
    for name, value in _facts(connection):
        typer.echo(f"{name:18} {value}")


def row(connection: Connection) -> tuple[object, ...]:
    metadata = connection.get("metadata", {})
    account = metadata.get("organisation") or metadata.get("user") or metadata.get("reason")
    default = "*" if connection["default"] else ""
    status = connection["status"]
    if "not_verified" in metadata:
        status = f"{status} (not verified)"
    elif connection.get("health", {}).get("status") == "limited":
        status = f"{status} (limited)"
    kind, created = connection["environment"], _second(connection["creation_time"])
    name = connection["connection_id"], connection.get("alias")  # A server of an earlier version knows none.
    return *name, connection["app"], status, default, kind, account, created


def _facts(connection: Connection) -> Iterator[tuple[str, Any]]:
    """The facts for a person, without `id`, which repeats `connection_id`."""
    for name, value in connection.items():
        if name == "health":
            yield from _health(connection["health"])
        elif isinstance(value, dict):
            yield from ((key, _joined(fact)) for key, fact in value.items())
        elif name != "id" and value not in (None, []):
            yield name, _joined(value)


def _health(health: Health) -> Iterator[tuple[str, Any]]:
    since = f" since {_second(health['since'])}" if health["since"] else ""
    yield "health", f"{health['status']}{since}: {health['reason']}"
    if health["next"]:
        yield "next", health["next"]


def _second(time: str) -> str:
    """A time to the second."""
    return f"{time.partition('.')[0].rstrip('Z')}Z"


def _joined(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
