"""Connects a connection to the embedded CRM at once, without a person and a browser."""

from collections.abc import Awaitable, Callable

import msgspec

from moorage.connections.model import Connection


class EmbeddedConnector(msgspec.Struct, frozen=True):
    """`require` raises an error if an app or an organisation does not allow it; `connect` connects a connection."""

    require: Callable[[str, str], Awaitable[None]]
    connect: Callable[[Connection, str], Awaitable[None]]
