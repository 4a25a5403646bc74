"""Calls of Zoho's API. An error of it becomes a line that says what an agent can do next."""

import re
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from moorage.mcp.crm.advice import fix_for, row_error
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Answer, Session, failure_of, segments

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_KEY = re.compile(r"[!-~]{1,255}")


class Parts(TypedDict, total=False):
    """What a call may have besides its method and its path."""

    query: Mapping[str, Any]
    body: Any
    idempotency_key: str | None


async def call(
    session: Session, account: str | None, method: str, path: str, **parts: Unpack[Parts]
) -> dict[str, Any]:
    """The document of the answer; empty if there is none. Raises ToolFailed, and Held."""
    answer = await _answer(session, account, method, path, parts)
    if answer.status >= 400:
        raise advised(failure_of(answer))
    return _object(answer)


async def call_for_each(
    session: Session, account: str | None, method: str, path: str, **parts: Unpack[Parts]
) -> list[dict[str, Any]]:
    """What the answer says of each record, also if all were refused. Raises ToolFailed, and Held."""
    answer = await _answer(session, account, method, path, parts)
    outcomes = _object(answer).get("data")
    if isinstance(outcomes, list) and all(isinstance(outcome, dict) for outcome in outcomes):
        return outcomes
    raise advised(failure_of(answer))


async def call_for_one(
    session: Session, account: str | None, path: str, values: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Post one element; gives the `details` of what became of it. `what` says what did not happen if it is refused.

    Raises ToolFailed, and Held.
    """
    outcomes = await call_for_each(session, account, "POST", path, body={"data": [values]})
    outcome = outcomes[0] if outcomes else {}
    details = outcome.get("details")
    if outcome.get("status") == "success" and isinstance(details, dict):
        return details
    error = row_error(outcome)
    step = error.fix if error.field is None else f"{error.field}: {error.fix}"
    raise ToolFailed(f"{what}: {outcome.get('message')}.", code=error.code, step=step)


async def _answer(session: Session, account: str | None, method: str, path: str, parts: Parts) -> Answer:
    key = parts.get("idempotency_key")
    headers = [] if key is None else [(b"Idempotency-Key", _key(key))]
    query, body = parts.get("query"), parts.get("body")
    try:
        return await session.app(
            account, method, path, query=query, body=body, headers=headers, keeps_errors=True
        )
    except ToolFailed as failed:
        raise advised(failed) from None


def _key(text: str) -> bytes:
    if _KEY.fullmatch(text) is None:  # Above all, it must not end the header's line.
        raise ToolFailed(
            f"idempotency_key can't be {text[:80]!r}: it has 1 to 255 visible characters of ASCII.",
            code="arguments_invalid",
        )
    return text.encode()


def _object(answer: Answer) -> dict[str, Any]:
    document = answer.document
    return document if isinstance(document, dict) else {}


def advised(failed: ToolFailed) -> ToolFailed:
    """The same failure, with a step that an agent can take."""
    failed.step = fix_for(failed.code, failed.message, failed.details) or failed.step
    return failed


def path_of(module: str, *more: str) -> str:
    """The path of a module's records. Raises ToolFailed for a text that can't be a name."""
    return segments("crm", "v8", name_of(module, "module"), *more)


def name_of(text: str, what: str) -> str:
    """An API name. Raises ToolFailed for a text that can't be one."""
    if _NAME.fullmatch(text) is None:
        raise ToolFailed(
            f"{what} can't be {text[:80]!r}: a name has letters, digits and underscores.",
            code="arguments_invalid",
        )
    return text
