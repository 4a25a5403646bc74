"""What an app has answered, as JSON for an agent."""

from typing import Any

import msgspec

from moorage.mcp.session import Answer


def document_of(answer: Answer) -> Any:
    """The JSON of the answer; or its text; or what bytes it has. An answer without a body is an empty object."""
    if not answer.body:
        return {}
    try:
        return msgspec.json.decode(answer.body)
    except (ValueError, RecursionError):
        pass
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return {"content_type": answer.headers.get("content-type"), "bytes": len(answer.body)}
    return text
