"""Cursors: where a list goes on. An agent repeats its arguments with the cursor, which fits to no others."""

import hashlib
from base64 import urlsafe_b64decode
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from moorage.digests import base64url
from moorage.mcp.errors import ToolFailed

LONGEST = 3000  # Characters of a cursor. It is short, but for the page token of an app that may be in it.

_Token = Annotated[str, Meta(max_length=2000, pattern="^[!-~]+$")]


class Cursor(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """`question` is the digest of the arguments. The first `skip` records were told already: of the page, or of all.

    A cursor gives no rights, and is not sealed: it says nothing that the agent could not ask itself.
    """

    question: str
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    skip: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    token: _Token | None = None

    def written(self) -> str:
        return base64url(msgspec.json.encode(self))


def digest_of(*arguments: Any) -> str:
    """Tells the arguments of a call from those of others."""
    return hashlib.blake2b(msgspec.json.encode(arguments), digest_size=6).hexdigest()


def cursor_for(text: str | None, question: str) -> Cursor:
    """The cursor that an agent sent; the first page without one. Raises ToolFailed."""
    if text is None:
        return Cursor(question)
    try:
        cursor = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except ValueError:
        raise ToolFailed(
            "The cursor can't be read.", step="Send it exactly as you got it.", code="cursor_invalid"
        ) from None
    if cursor.question != question:
        raise ToolFailed(
            "The cursor belongs to a call with other arguments.",
            step="Repeat the arguments of the call that gave it, and add cursor.",
            code="cursor_invalid",
        )
    return cursor
