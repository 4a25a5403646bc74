"""api: any call of an app, as the app's own API has it."""

import re
from typing import Annotated, Any, Literal

from msgspec import Meta

from moorage.http.message import Headers
from moorage.mcp.errors import ToolFailed
from moorage.mcp.maton.actions.parameters import ArgumentsWrong, text_of
from moorage.mcp.maton.answered import document_of
from moorage.mcp.maton.asked import Asked, connection_of, require_app
from moorage.mcp.maton.told import telling
from moorage.mcp.session import Session, target_of
from moorage.mcp.tool import Tool

_PATH = re.compile(r"/([a-z0-9][a-z0-9-]{0,62})(/[^#\x00-\x1f\x7f]*)")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
# Headers that this server sets itself, or that are about the connection.
_OWN = re.compile(
    "(?i:accept-encoding|authorization|connection|content-length|cookie|expect|forwarded|host|idempotency-key|keep-alive"
    "|maton-connection|prefer|te|trailer|transfer-encoding|upgrade|via|x-maton-connection|x-request-id"
    "|(?:moorage|proxy|x-forwarded|x-http-method|x-method)-.*)"
)
# Headers of an answer that tell an agent something.
_TELLING = (
    "content-type",
    "location",
    "retry-after",
    "etag",
    "last-modified",
    "link",
    "moorage-connection",
    "moorage-hint",
)


class AskedCall(Asked, kw_only=True):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[
        str, Meta(description="/{app}/{the app's own path}, such as /zoho-crm/crm/v8/Leads", max_length=4000)
    ]
    params: Annotated[dict[str, Any], Meta(description="The query")] | None = None
    body: Annotated[Any, Meta(description="JSON, or a text that is sent as it is")] = None
    headers: dict[str, str] | None = None


async def api(session: Session, asked: AskedCall) -> Any:
    app, path = _parts(session, asked.path)
    headers = _headers(asked.headers or {})
    try:
        params = {
            text_of("params", name): text_of(name, value) for name, value in (asked.params or {}).items()
        }
    except ArgumentsWrong as wrong:
        raise ToolFailed(str(wrong), code="arguments_invalid") from None
    body = asked.body.encode("utf-8", "replace") if isinstance(asked.body, str) else asked.body
    answer = await session.app(
        connection_of(session, asked),
        asked.method,
        target_of(path, params),
        app=app,
        body=body,
        headers=headers,
        keeps_errors=True,
    )
    telling = {name: answer.headers[name] for name in _TELLING if name in answer.headers}
    return {"status": answer.status, "headers": telling, "body": document_of(answer)}


def _parts(session: Session, path: str) -> tuple[str, str]:
    """The app, and its own path, maybe with a query. Raises ToolFailed."""
    parts = _PATH.fullmatch(path)
    if parts is None:
        raise ToolFailed(
            f"The path can't be {path[:80]!r}.",
            step="It is the name of an app and the app's own path, such as /zoho-crm/crm/v8/Leads.",
            code="path_invalid",
        )
    app = parts[1]
    require_app(session, app)
    return app, parts[2]


def _headers(asked: dict[str, str]) -> Headers:
    """The headers of the call. Raises ToolFailed for one that this server sets itself, or that can't be sent."""
    for name, value in asked.items():
        if not _HEADER.fullmatch(name) or _OWN.fullmatch(name):
            raise ToolFailed(f"A call can't have the header {name[:64]!r}.", code="arguments_invalid")
        if not value.isascii() or not value.isprintable():
            raise ToolFailed(
                f"The header {name} has a character that can't be sent.", code="arguments_invalid"
            )
    return [(name.encode(), value.encode()) for name, value in asked.items()]


API = Tool(
    "api",
    "Call an app",
    "Call any endpoint of an app, where no action fits. The result has its status, headers and body.",
    AskedCall,
    None,
    telling(api),
    kind="destructive",
    least="read",
    is_open=True,
)
