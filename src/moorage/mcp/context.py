"""What the SDK gives with each message, and the session of the request that the message came with."""

from typing import Any, TypeAlias

from mcp.server.context import ServerRequestContext

from moorage.mcp.routes import SESSION
from moorage.mcp.session import Session

Context: TypeAlias = ServerRequestContext[Any, Any]


def session_of(context: Context) -> Session:
    assert context.request is not None, "each message comes with a request of its own"
    session: Session = context.request.scope[SESSION]
    return session
