"""Connections to the embedded CRM that are connected at once, without a person and a browser."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from moorage.connections.model import Connection


@dataclass(frozen=True, slots=True)
class EmbeddedConnector:
    """`require` raises what is wrong with an app and an organisation; `connect` lets a connection lead there."""

    require: Callable[[str, str], None]
    connect: Callable[[Connection, str], Awaitable[None]]
