"""The errors of held calls."""

from collections.abc import Mapping
from typing import Any

from moorage.errors import MoorageError

_NEVER_SENT = frozenset({"declined", "expired", "cancelled"})


class ApprovalRequired(MoorageError):
    """The call is held until a person approves it. `more` has what a program needs to go on."""

    code = "approval_required"

    def __init__(self, words: str, reason: str, more: Mapping[str, Any]) -> None:
        super().__init__(
            f"A person has to approve this call: {words}. {reason}",
            help=f"Nothing was sent. Ask a person to open {more['link']}; "
            f"GET /approvals/{more['id']} says what was decided, until {more['expires_at']}.",
        )
        self.more = more


class ApprovalUnderWay(MoorageError):
    """A person has approved the call, and it is sent just now, or in a moment."""

    code = "approval_required"

    def __init__(self, words: str, more: Mapping[str, Any]) -> None:
        super().__init__(
            f"A person has approved this call, and the server is sending it: {words}.",
            help="It is sent once, and not again for this try. Its answer comes in a few seconds, at "
            f"GET /approvals/{more['id']}/answer, or to the same call.",
        )
        self.more = more


class ApprovalDeclined(MoorageError):
    """The same call with the same Idempotency-Key was declined, or expired."""

    code = "approval_declined"

    def __init__(self, message: str) -> None:
        super().__init__(message, help="Nothing was sent. To ask again, use another Idempotency-Key.")


class ApprovalUnknown(MoorageError):
    """Unknown, or of another account or key: callers can't tell which."""

    code = "approval_unknown"

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"There is no held call {approval_id[:64]!r}.",
            help="GET /approvals and `moorage approvals list` show the held calls of this key.",
        )


class ApprovalsFull(MoorageError):
    """Too many calls wait already. `retry_after` is in seconds."""

    code = "approvals_full"

    def __init__(self, whose: str, most: int, retry_after: float) -> None:
        super().__init__(
            f"A person has to approve this call, and {most} calls of {whose} wait for a person already.",
            help="Nothing was sent. Let a person decide on them, or cancel some: POST /approvals/{id}/cancel.",
        )
        self.retry_after = retry_after


class ApprovalWaiting(MoorageError):
    """There is no answer yet. `retry_after` is in seconds."""

    code = "approval_waiting"

    def __init__(self, approval_id: str, state: str, retry_after: float) -> None:
        what = "still waits for a person" if state == "waiting" else "was approved, and is being sent"
        super().__init__(f"The held call {approval_id} {what}.", help="Ask again later.")
        self.retry_after = retry_after


class AnswerGone(MoorageError):
    """There is no answer, and there will be none."""

    code = "approval_answer_gone"

    def __init__(self, message: str) -> None:
        super().__init__(message, help="GET /approvals/{id} says what became of the call.")


class ApprovalDecided(MoorageError):
    """The call does not wait any more, so nobody can decide on it."""

    code = "approval_decided"

    def __init__(self, approval_id: str, state: str) -> None:
        super().__init__(
            f"The held call {approval_id} is {state}, so it can't be decided any more.",
            help=f"GET /approvals/{approval_id} says what becomes of it."
            if state not in _NEVER_SENT
            else "To ask again, let the program make its call again.",
        )


class HourImpossible(MoorageError):
    """A person can't allow for an hour what may be anything, or change any number of records."""

    code = "hour_impossible"

    def __init__(self) -> None:
        super().__init__(
            "What this call does differs from call to call, so it can't be allowed for an hour.",
            help="Approve this call alone.",
        )
