"""Calls of tools that a person has to approve first."""

from typing import Any

import msgspec

from moorage.mcp.answers import Told
from moorage.mcp.errors import Held


class Waiting(msgspec.Struct, omit_defaults=True):
    """A call that waits for a person. `link` is the page on which the person decides."""

    approval_id: str
    link: str
    expires_at: str | None = None


def told_of(held: Held) -> Told:
    """The result of a tool whose call waits for a person."""
    approval: dict[str, Any] = dict(held.approval)
    waiting = Waiting(str(approval.get("id")), str(approval.get("link")), approval.get("expires_at"))
    return Told(
        f"A person has to approve this first: give them {waiting.link}. Then use check_approval with"
        f" {waiting.approval_id}. Do not call the tool again meanwhile.",
        waiting,
    )
