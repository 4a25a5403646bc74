"""Calls of Zoho's API. An error of it becomes a line that says what an agent can do next."""

import re
from collections.abc import Mapping
from typing import Any

from moorage.mcp.crm.advice import fix_for
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Answer, Session, failure_of, segments

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_KEY = re.compile(r"[!-~]{1,255}")


async def call(
    session: Session,
    account: str | None,
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """The document of the answer; empty if there is none. Raises ToolFailed, and Held."""
    answer = await _answer(session, account, method, path, query, body, idempotency_key)
    if answer.status >= 400:
        raise advised(failure_of(answer))
    return _object(answer)


async def call_for_each(
    session: Session,
    account: str | None,
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
    idempotency_key: str | None = None,
) -> list[dict[str, Any]]:
    """What the answer says of each record, also if all were refused. Raises ToolFailed, and Held."""
    answer = await _answer(session, account, method, path, query, body, idempotency_key)
    outcomes = _object(answer).get("data")
    if isinstance(outcomes, list) and all(isinstance(outcome, dict) for outcome in outcomes):
        return outcomes
    raise advised(failure_of(answer))


async def _answer(
    session: Session,
    account: str | None,
    method: str,
    path: str,
    query: Mapping[str, Any] | None,
    body: Any,
    idempotency_key: str | None,
) -> Answer:
    headers = [] if idempotency_key is None else [(b"Idempotency-Key", _key(idempotency_key))]
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
