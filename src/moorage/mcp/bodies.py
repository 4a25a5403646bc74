"""The body of an app's answer, as an agent gets it: JSON, or text, or only its size."""

from typing import Any

import msgspec

from moorage.mcp.answers import SOFT_CAP
from moorage.mcp.session import Answer
from moorage.mcp.texts import size


def shown_body(answer: Answer, most: int = SOFT_CAP) -> tuple[Any, str | None]:
    """The body, and what of it is missing. A longer one is cut, and is a text then."""
    body = answer.body
    if not body:
        return None, None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"{len(body):,} bytes of type {answer.headers.get('content-type', 'unknown')[:80]}", "not text"
    if len(body) <= most:
        return _document(text), None
    beginning = _beginning(text, most)
    return beginning, f"the first {len(beginning):,} of {len(text):,} characters"


def _document(text: str) -> Any:
    """The JSON in a text, or else the text."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text


def _beginning(text: str, most: int) -> str:
    """As much of a text as is no longer than that in JSON: there, a control character has six bytes."""
    text = text[:most]
    while size(text) > most:
        text = text[: len(text) * 4 // 5]
    return text
