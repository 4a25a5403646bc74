"""The connections that a screen can use, and the one that the person has chosen."""

from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.console.calls import Refused
from moorage.console.visit import Visit

APP = "zoho-crm"
_MOST = 100

Connection = Mapping[str, Any]  # As the control API has it.


class Places(msgspec.Struct, frozen=True):
    """`chosen` is None if there is no connection."""

    connections: list[Connection]
    chosen: Connection | None

    def document(self) -> dict[str, Any]:
        return {"connections": self.connections, "connection": self.chosen}


def name_of(connection: Connection) -> str:
    """What an address calls a connection: its alias or id."""
    return str(connection["alias"] or connection["connection_id"])


async def places(visit: Visit) -> Places:
    """The active connections of Zoho CRM, and the one that the query names, or else the default. Raises Refused."""
    found = await visit.control("GET", "/connections", {"app": APP, "status": "ACTIVE", "limit": _MOST})
    connections: list[Connection] = found.document["connections"]
    named = visit.query.get("connection") or visit.form.get("connection")
    if not named:
        return Places(connections, await _default(visit, connections))
    for connection in connections:
        if named in {connection["alias"], connection["connection_id"]}:
            return Places(connections, connection)
    message = f"There is no active connection {named[:64]!r} of {APP}."
    raise Refused(404, "connection_unknown", message, "Choose one in the list of connections.")


async def _default(visit: Visit, connections: list[Connection]) -> Connection | None:
    identity = await default_id(visit)
    others = [connection for connection in connections if connection["connection_id"] == identity]
    return next(iter([*others, *connections]), None)


async def default_id(visit: Visit) -> str | None:
    """The id of the connection where a call goes that names none; None if there is none or the person may see none."""
    found = await visit.optional(f"/apps/{APP}/default", needs="connections:read")
    return None if found is None else found["default"]["connection_id"]


def require_confirmed(visit: Visit, connection: Connection) -> None:
    """Raises Refused for a write to a live account that the person has not confirmed in the form."""
    if connection["environment"] == "live" and visit.form.get("confirm") != connection["connection_id"]:
        message = (
            f"This would change the live account {connection['metadata'].get('organisation', '')}.".replace(
                " .", "."
            )
        )
        raise Refused(400, "confirm_missing", message, "Tick the box that says so, and send the form again.")
