"""Connects a connection to the embedded CRM at once, without a person and a browser."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from moorage.connections.model import Connection


@dataclass(frozen=True, slots=True)
class EmbeddedConnector:
    """`require` raises an error if an app or an organisation does not allow it; `connect` connects a connection."""

    require: Callable[[str, str], Awaitable[None]]
    connect: Callable[[Connection, str], Awaitable[None]]
