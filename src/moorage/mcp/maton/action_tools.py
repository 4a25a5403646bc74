"""Tools for actions: the operations of an app by names, without its paths."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.errors import ToolFailed
from moorage.mcp.maton.actions.catalogue import APPS, Action, actions
from moorage.mcp.maton.actions.parameters import ArgumentsWrong, call_of, schema_of
from moorage.mcp.maton.actions.search import search
from moorage.mcp.maton.answered import document_of
from moorage.mcp.maton.asked import Asked, Pattern, connection_of, reaches, require_app
from moorage.mcp.maton.told import telling
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool
from moorage.near import did_you_mean

_Id = Annotated[str, Meta(description="Such as zoho-crm.record.list", max_length=200)]


class AskedActions(Asked, kw_only=True):
    app: Annotated[str, Meta(description="Only actions of this app", max_length=64)] | None = None
    pattern: Pattern | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


class AskedAction(Asked, kw_only=True):
    id: _Id


class AskedRun(Asked, kw_only=True):
    id: _Id
    args: Annotated[dict[str, Any], Meta(description="As get_action describes them")] = msgspec.field(
        default_factory=dict
    )


async def search_actions(session: Session, asked: AskedActions) -> Any:
    if asked.app is not None:
        require_app(session, asked.app)
    kinds = await session.kinds()
    offered = [
        action
        for action in actions().values()
        if action.kind in kinds and asked.app in {None, action.app} and reaches(session, action.app)
    ]
    fitting = search(asked.pattern or "", offered)
    document: dict[str, Any] = {
        "actions": [_listed(action) for action in fitting[: asked.limit]],
        "total": len(fitting),
    }
    if asked.app is not None and asked.app not in APPS:
        document["note"] = (
            f"Moorage knows no actions of {asked.app}. Use api with a path such as /{asked.app}/…"
        )
    return document


async def get_action(_session: Session, asked: AskedAction) -> Any:
    action = _found(asked.id)
    return _listed(action) | {
        "method": action.method,
        "path": f"/{action.app}{action.path}",
        "input_schema": schema_of(action.path, action.parameters),
    }


async def run_action(session: Session, asked: AskedRun) -> Any:
    action = _found(asked.id)
    try:
        call = call_of(action.path, action.parameters, asked.args)
    except ArgumentsWrong as wrong:
        step = f"get_action shows the arguments of {action.id}."
        raise ToolFailed(str(wrong), step=step, code="arguments_invalid") from None
    answer = await session.app(
        connection_of(session, asked),
        action.method,
        call.path,
        app=action.app,
        query=call.query,
        body=call.body,
        headers=[(name.encode(), value.encode()) for name, value in call.headers.items()],
    )
    return document_of(answer)


def _found(action_id: str) -> Action:
    action = actions().get(action_id)
    if action is None:
        raise ToolFailed(
            f"There is no action {action_id[:80]!r}.{did_you_mean(action_id, actions())}",
            step="search_actions finds actions.",
            code="action_unknown",
        )
    return action


def _listed(action: Action) -> dict[str, Any]:
    return {"id": action.id, "app": action.app, "title": action.title, "kind": action.kind}


SEARCH_ACTIONS = Tool(
    "search_actions",
    "Search actions",
    "Find actions that you may run, by words: create record, send email. The best come first.",
    AskedActions,
    None,
    telling(search_actions),
)
GET_ACTION = Tool(
    "get_action",
    "Get an action",
    "Show the arguments of an action as a JSON schema.",
    AskedAction,
    None,
    telling(get_action),
)
RUN_ACTION = Tool(
    "run_action",
    "Run an action",
    "Run an action with arguments. The result is the app's own answer.",
    AskedRun,
    None,
    telling(run_action),
    kind="destructive",
    least="read",
    is_open=True,
)
