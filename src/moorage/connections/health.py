"""How a connection is, in plain words: for whoever lists connections, and for programs that watch them.

It says what is stored. `GET /connections/{id}/diagnosis` asks the app, too.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from moorage.connections.model import Connection
from moorage.http.timestamps import wire_time_of

# `limited`: calls go through, but not all, not for long, or nobody knows.
State: TypeAlias = Literal["ok", "limited", "pending", "failed"]

# The meaning of a code with which an accounts server refused: the cause, and what to do.
Explain: TypeAlias = Callable[[str], tuple[str, str]]

_CONNECT = "Open its url in a browser, and sign in."


class Health(msgspec.Struct, frozen=True):
    """`since` is in microseconds since the epoch, or None if nobody knows.

    `next` is what to do; None if there is nothing to do.
    """

    status: State
    reason: str
    since: int | None
    next: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The health in the form of the control API."""
        return {
            "status": self.status,
            "reason": self.reason,
            "since": None if self.since is None else wire_time_of(self.since),
            "next": self.next,
        }


def health_of(connection: Connection, explain: Explain, trouble: str | None = None) -> Health:
    """`trouble` is why the last tries to renew its token failed; None if they did not."""
    since = connection.since
    if connection.status == "PENDING":
        return Health("pending", "Nobody has connected it yet.", since, _CONNECT)
    if connection.status == "FAILED":
        cause, fix = explain(str(connection.metadata.get("reason", "unknown")))
        return Health("failed", cause, since, fix)
    if trouble is not None:
        cause = trouble if trouble.endswith(".") else explain(trouble)[0]
        reason = f"The last try to renew its token failed. {cause} Calls go through until the token ends."
        return Health(
            "limited", reason, None, "Wait for the next try. If it fails too, ask for the diagnosis."
        )
    missing = connection.metadata.get("scopes_missing")
    if missing:
        reason = f"These rights were asked for and not given: {', '.join(map(str, missing))}."
        return Health("limited", reason, since, "If calls need them, open its url and connect it again.")
    if connection.metadata.get("not_renewable"):
        reason = "It has no refresh token, so it works only until its access token ends."
        return Health("limited", reason, since, "Bring a refresh token, or open its url and connect it.")
    unverified = connection.metadata.get("not_verified")
    if unverified:
        return Health("limited", f"Its key was not verified. {unverified}", since, "Make a call.")
    return Health("ok", "Calls go through.", since)
