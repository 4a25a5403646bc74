"""What all of Maton's tools can be asked, and which connection they mean by it."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session
from moorage.near import did_you_mean

Connection: TypeAlias = Annotated[
    str, Meta(description="Id or alias of the connection to use", max_length=200)
]
Pattern: TypeAlias = Annotated[str, Meta(description="Words to find; | between alternatives", max_length=200)]
_HEADERS = ("maton-connection", "x-maton-connection", "moorage-connection")


# Maton's toolkits add `connection` to the arguments of every tool, if one is configured.
class Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    connection: Connection | None = None
    jq: Annotated[str, Meta(description="What to keep of the result: .data[].id", max_length=500)] | None = (
        None
    )


def connection_of(session: Session, asked: Asked) -> str | None:
    """The connection that the call names, or else its request; None if neither does."""
    if asked.connection:
        return asked.connection
    return next((named for name in _HEADERS if (named := session.header(name))), None)


def reaches(session: Session, app: str) -> bool:
    """True if the key may have a connection of this app. One that is limited to connections may have any app's."""
    reach = session.principal.reach
    return reach.apps is None or app in reach.apps or bool(reach.connections)


def require_app(session: Session, app: str) -> None:
    """Raises ToolFailed for an app that this server does not know."""
    if app not in session.apps():
        raise ToolFailed(
            f"There is no app {app!r}.{did_you_mean(app, session.apps())}",
            step="search_apps shows the apps.",
            code="app_unknown",
        )
