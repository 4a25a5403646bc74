"""Calls of tools that a person has to approve first, and what becomes of them."""

import asyncio
import contextlib
import time

import msgspec

from moorage.approvals.model import UNDER_WAY
from moorage.errors import MoorageError
from moorage.mcp.answers import Told
from moorage.mcp.errors import APPROVALS, Held, ToolFailed
from moorage.mcp.session import Session

# Seconds. A request waits for a person no longer than a server that stops waits for a request.
_WAIT = 8.0
_EVERY = 0.5


class Waiting(msgspec.Struct, omit_defaults=True):
    """A call that waits for a person. `link` is the page on which the person decides."""

    approval_id: str
    link: str
    expires_at: str | None = None


def told_of(held: Held) -> Told:
    """The result of a tool whose call waits for a person."""
    approval = held.approval
    waiting = Waiting(str(approval["id"]), held.link, approval.get("expires_at"))
    return Told(
        f"Not done yet: a person has to approve this first. Give them {waiting.link}. Then use check_approval with"
        f" {waiting.approval_id}. Do not call the tool again meanwhile.",
        waiting,
    )


async def wait_for_person(session: Session, subject: str) -> bool:
    """Wait some seconds for a person to decide. False if nobody has. `subject` is as in PersonNeeded."""
    end = time.monotonic() + _WAIT
    while await _is_open(session, subject):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(_EVERY)
    return True


async def _is_open(session: Session, subject: str) -> bool:
    """True while nobody has decided. If that can't be told, the tool is run again and tells what is wrong."""
    with contextlib.suppress(ToolFailed, MoorageError):
        if subject.startswith(APPROVALS):
            state: str = (await held_now(session, subject)).approval["state"]
            return state in UNDER_WAY
        name = subject.rpartition("/")[2]
        return (await session.accounts.one(session.principal, name)).status == "PENDING"
    return False


async def held_now(session: Session, subject: str) -> Held:
    """The held call as it is now. Raises ToolFailed."""
    return Held((await session.control("GET", subject)).document["approval"])


async def take_back(session: Session, subject: str) -> bool:
    """Take a held call back, because the person at the client wants none of it. False if it does not wait any more."""
    if not subject.startswith(APPROVALS):
        return True
    try:
        await session.control("POST", f"{subject}/cancel")
    except ToolFailed:
        return False
    return True
