"""check_approval: what became of a call that a person has to approve."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from moorage.approvals.errors import ApprovalUnknown
from moorage.mcp.answers import Told
from moorage.mcp.crm.calling import Shown, called_with, text_of
from moorage.mcp.errors import APPROVALS, ToolFailed
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool

_ID = re.compile(r"[0-9a-f-]{1,64}")


class Check(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    approval_id: Annotated[str, Meta(max_length=64)]


class Checked(Shown, kw_only=True, omit_defaults=True):
    """`status`, `headers` and `body` are the app's answer, once it is there."""

    state: str
    words: str
    link: str | None = None
    expires_at: str | None = None
    decided_by: str | None = None
    note: str | None = None
    status: int | None = None


async def check_approval(session: Session, asked: Check) -> Told:
    if not _ID.fullmatch(asked.approval_id):  # Such as one with a slash, which would be another path.
        raise ToolFailed.of(ApprovalUnknown(asked.approval_id))
    path = f"{APPROVALS}{asked.approval_id}"
    approval = (await session.control("GET", path)).document["approval"]
    if approval["key"]["id"] != session.principal.key_id:
        raise ToolFailed.of(ApprovalUnknown(asked.approval_id))
    checked = Checked(
        state=approval["state"],
        words=approval["words"],
        decided_by=approval["decided_by"],
        note=approval["note"],
    )
    if checked.state == "waiting":
        checked.link, checked.expires_at = approval["link"], approval["expires_at"]
    if checked.state == "sent" and approval["answer"]["until"] is not None:
        await _add_answer(session, path, checked)
    return Told(_sentence(checked), checked, text_of(checked.body))


async def _add_answer(session: Session, path: str, checked: Checked) -> None:
    try:
        called = called_with(await session.control("GET", f"{path}/answer", keeps_errors=True))
    except ToolFailed as failed:  # It was too long to be kept, or is not kept any longer.
        checked.note = failed.message
        return
    checked.status, checked.headers = called.status, called.headers
    checked.body, checked.truncated = called.body, called.truncated


def _sentence(checked: Checked) -> str:
    by = checked.decided_by or "a person"
    note = f" {checked.note}" if checked.note else ""
    told: dict[str, str] = {
        "waiting": f"It waits for a person: {checked.link}, until {checked.expires_at}.",
        "approved": f"{by} has approved it, and it is being sent. Check again in some seconds.",
        "sending": f"{by} has approved it, and it is being sent. Check again in some seconds.",
        "sent": f"{by} has approved it, and it was sent. {_answered(checked)}",
        "failed": f"{by} has approved it, and it could not be sent.{note}",
        "unknown": f"{by} has approved it.{note} Look whether it was done, before you do it again.",
        "declined": f"{by} has declined it, so nothing was sent.{note}",
        "expired": f"Nothing was sent.{note or ' Nobody decided in time.'} To ask again, call the tool again.",
        "cancelled": "It was taken back, so nothing was sent.",
    }
    return told[checked.state]


def _answered(checked: Checked) -> str:
    if checked.status is None:
        return checked.note or "The app's answer is not kept any longer."
    cut = f" The body is {checked.truncated}." if checked.truncated else ""
    return f"The app answered {checked.status}.{cut}"


CHECK_APPROVAL = Tool(
    "check_approval",
    "Check an approval",
    "What became of a call that waits for a person: still waiting, or approved with the app's answer, or declined.",
    Check,
    Checked,
    check_approval,
)
