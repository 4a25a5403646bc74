"""Calls that wait for a person."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import quote

from moorage.client.call import given
from moorage.client.errors import ApiError, ClientError
from moorage.client.response import Response

if TYPE_CHECKING:
    from moorage.client.client import Moorage

_UNDER_WAY = frozenset({"waiting", "approved", "sending"})
_PAUSE = 2.0  # Seconds between two questions for what was decided.


class Approval(TypedDict):
    """A held call. Times are RFC 3339 in UTC. docs/approvals.md explains the states."""

    id: str
    state: str
    link: str
    key: dict[str, str]
    connection: dict[str, str]
    app: str
    environment: str
    operation: dict[str, Any]
    words: str
    method: str
    path: str
    body_bytes: int
    sha256: str
    reason: str
    rule: str | None
    created_at: str
    expires_at: str
    decided_at: str | None
    decided_by: str | None
    note: str | None
    answer: dict[str, Any] | None


class NotSent(ClientError):
    """A held call has ended without an answer of the app. `approval` says how, and what the person wrote."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(f"The call is {approval['state']}. {approval['note'] or ''}".rstrip())
        self.approval = approval


class ApprovalRequired(ApiError):
    """A person has to approve the call. Nothing was sent.

    `id` names the held call, `link` is the page on which a person decides, until `expires_at`.
    """

    def __init__(self, error: ApiError, approvals: "Approvals", members: Mapping[str, Any]) -> None:
        super().__init__(
            error.status,
            code=error.code,
            message=error.message,
            detail=error.detail,
            request_id=error.request_id,
            response=error.response,
        )
        self.id = str(members["id"])
        self.link = str(members["link"])
        self.expires_at = str(members["expires_at"])
        self._approvals = approvals

    def wait(self, timeout: float | None = None) -> Response:
        """Wait until a person has decided and the call was sent. See `Approvals.wait`."""
        return self._approvals.wait(self.id, timeout)


class Approvals:
    """The held calls of the key. No key can approve or decline. Every method raises ApiError, Unreachable."""

    def __init__(self, client: "Moorage") -> None:
        self._client = client

    def list(self, *, state: str | None = None) -> list[Approval]:
        """The held calls, the newest first; with a state such as `waiting`, those in it."""
        response = self._client.request("GET", "/approvals", params=given(state=state))
        return cast("list[Approval]", response.json()["approvals"])

    def get(self, approval_id: str) -> Approval:
        return _approval(self._client.request("GET", _path(approval_id)))

    def answer(self, approval_id: str) -> Response:
        """The app's answer to a call that was sent. An error of the app is an ApiError, as in every call."""
        return self._client.request("GET", f"{_path(approval_id)}/answer")

    def cancel(self, approval_id: str) -> Approval:
        """Take back a call that waits."""
        return _approval(self._client.request("POST", f"{_path(approval_id)}/cancel"))

    def wait(self, approval_id: str, timeout: float | None = None) -> Response:
        """Wait until the call was sent, and give the app's answer.

        Raises NotSent if it ends without one, and TimeoutError after `timeout` seconds. Without a timeout, it waits
        until the call expires.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while (approval := self.get(approval_id))["state"] in _UNDER_WAY:
            left = _PAUSE if end is None else end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Nobody has decided within {timeout:g} s")
            time.sleep(min(_PAUSE, left))
        if approval["state"] != "sent":
            raise NotSent(approval)
        return self.answer(approval_id)


def as_approval(error: ApiError, approvals: Approvals) -> ApiError:
    """The error, as an ApprovalRequired if it is one."""
    if error.code != "approval_required":
        return error
    members = error.response.json()["error"]
    return ApprovalRequired(error, approvals, members) if "id" in members else error


def _path(approval_id: str) -> str:
    return f"/approvals/{quote(approval_id, safe='')}"


def _approval(response: Response) -> Approval:
    return cast("Approval", response.json()["approval"])
