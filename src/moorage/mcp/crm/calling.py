"""call_api: any call of an app, as its own documentation has it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from moorage.errors import MoorageError
from moorage.mcp.answers import Told
from moorage.mcp.bodies import shown_body
from moorage.mcp.crm.account import Account
from moorage.mcp.crm.calls import advised
from moorage.mcp.errors import ToolFailed
from moorage.mcp.rights import APP
from moorage.mcp.session import Answer, Session, target_of
from moorage.mcp.texts import as_text
from moorage.mcp.tool import Tool

_OF_INTEREST = (
    "content-disposition",
    "content-range",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)
_LESS = "Ask for less, for example with fields, per_page and page."


class Call(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    app: (
        Annotated[str, Meta(description="If no account is named and it is not zoho-crm", max_length=63)]
        | None
    ) = None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, Meta(description="Such as /crm/v8/Leads/123", pattern="^/", max_length=4000)]
    query: dict[str, str | int | float | bool] | None = None
    body: Annotated[Any, Meta(description="JSON")] = None


class Shown(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an agent gets of an app's answer."""

    headers: dict[str, str] | None = None
    body: Any = None
    truncated: str | None = None


class Called(Shown, kw_only=True, omit_defaults=True):
    status: int


async def call_api(session: Session, asked: Call) -> Told:
    try:
        app = await _app(session, asked)
        _require_own_path(asked.path, app)
        answer = await session.app(
            asked.account,
            asked.method,
            _target(asked.path, asked.query),
            app=quote(app, safe=""),
            body=asked.body,
            keeps_errors=True,
        )
    except ToolFailed as failed:
        raise advised(failed) from None
    called = called_with(answer)
    step = f" {_LESS}" if called.truncated and asked.method == "GET" else ""
    missing = f" The body is {called.truncated}.{step}" if called.truncated else ""
    return Told(f"The app answered {answer.status}.{missing}", called, text_of(called.body))


def _require_own_path(path: str, app: str) -> None:
    """Raises ToolFailed for a path of the gateway, as programs call it: it begins with the app."""
    if path.startswith(f"/{app}/"):
        raise ToolFailed(
            f"The path is that of the app itself, so it does not begin with /{app}.",
            step=f"Use {path[len(app) + 1 :][:200]}.",
            code="path_invalid",
        )


async def _app(session: Session, asked: Call) -> str:
    """The app that is called. A named account says which. Raises ToolFailed."""
    named = session.account or asked.account
    if asked.app is not None or named is None:
        return asked.app or APP
    try:
        return await session.accounts.app_of(session.principal, named)
    except MoorageError as error:
        raise ToolFailed.of(error) from None


def called_with(answer: Answer) -> Called:
    """An app's answer as an agent gets it."""
    body, truncated = shown_body(answer)
    headers = {name: answer.headers[name][:500] for name in _OF_INTEREST if name in answer.headers}
    return Called(status=answer.status, headers=headers or None, body=body, truncated=truncated)


def text_of(body: Any) -> str:
    """A body for those who read only text."""
    return "" if body is None else as_text(body)


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    """The path with its query, both percent-encoded where they are not. Raises ToolFailed."""
    if "#" in path:
        raise ToolFailed("A path has no part behind #.", step="Write # as %23.", code="arguments_invalid")
    return target_of(path, {name: as_text(value) for name, value in (query or {}).items()})


CALL_API = Tool(
    "call_api",
    "Call the API",
    "Make any call of the app's own API. A call that writes or deletes may need a person's approval.",
    Call,
    Called,
    call_api,
    kind="destructive",
    least="read",
    is_open=True,
)
