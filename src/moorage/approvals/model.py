"""A held call, what becomes of it, and a person's leave for an hour."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from moorage.digests import digest_of_parts
from moorage.http.message import Headers, Response
from moorage.http.timestamps import wire_time_of

# waiting -> approved -> sending -> sent | failed | unknown; waiting -> declined | expired | cancelled. An approved call
# that may not be sent any more is declined, and one that could not be sent soon is expired.
State: TypeAlias = Literal[
    "waiting", "approved", "sending", "sent", "failed", "unknown", "declined", "expired", "cancelled"
]
STATES: tuple[State, ...] = get_args(State)
UNDER_WAY: frozenset[State] = frozenset({"waiting", "approved", "sending"})
# A program that tries a call again sends these headers anew. They do not make it another call.
_PER_TRY = frozenset(
    {
        b"baggage",
        b"content-length",
        b"date",
        b"idempotency-key",
        b"prefer",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        b"x-request-id",
    }
)


MANY_THINGS = "*"  # What a call is about that may do anything, such as a composite request.


@dataclass(frozen=True, slots=True)
class HeldCall:
    """The bytes that are sent if a person approves. `native` is what follows the app's name, with the query.

    `headers` are those that go on to the app. A token is not among them: it is made when the call is sent.
    """

    method: str
    native: bytes = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """The app's own path, without the query."""
        return self.native.partition(b"?")[0].decode("latin-1")

    def digest(self, connection_id: str) -> bytes:
        """SHA-256 of all that decides what the call does. Two tries of one call have the same."""
        return digest_of_parts(self._parts(connection_id))

    def _parts(self, connection_id: str) -> Iterable[bytes]:
        yield from (connection_id.encode(), self.method.encode(), self.native)
        for name, value in self.headers:
            if name.lower() not in _PER_TRY:
                yield from (name.lower(), value)
        yield b""
        yield self.body


class Asked(msgspec.Struct, frozen=True):
    """What a person is asked: whose call it is, what it does, and why it was held.

    `operation` is its name, as `DELETE /crm/v8/{module}/{id}`, and `module` what it is about: modules, or a path if the
    app has none, or MANY_THINGS. `kind` is read, write or destructive. `words` say all of it in one sentence. `rule`
    is the name of the rule that asks.
    """

    account_id: str
    key_id: str
    key_name: str
    connection_id: str
    connection_name: str
    app: str
    environment: str
    operation: str
    module: str
    kind: str
    words: str
    reason: str
    rule: str | None

    @property
    def is_of_a_kind(self) -> bool:
        """True if other calls are the same operation, so that a person can allow it for an hour."""
        return self.module != MANY_THINGS


class Approval(msgspec.Struct, frozen=True):
    """Times are in microseconds since the epoch. `path` is the app's own, without a query.

    `note` is what the person wrote, or why the call was not sent. `sender` is the process that sends it.
    """

    id: str
    asked: Asked
    method: str
    path: str
    size: int
    digest: bytes
    state: State
    created: int
    deadline: int
    decided: int | None = None
    decided_by: str | None = None
    note: str | None = None
    sender: str | None = None
    sending: int | None = None
    ended: int | None = None
    answer_status: int | None = None
    answer_until: int | None = None

    def state_at(self, now: int) -> State:
        """The state. A call whose deadline has passed is expired, also before anybody has noted that."""
        return "expired" if self.state == "waiting" and self.deadline <= now else self.state


class Grant(msgspec.Struct, frozen=True):
    """A person's leave for all calls of one key that do the same operation through the same connection."""

    id: str
    account_id: str
    key_id: str
    key_name: str
    connection_id: str
    connection_name: str
    operation: str
    module: str
    approval_id: str
    given_by: str
    created: int
    ends: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The app's answer to a call that was sent. `is_whole` is False if the body was too long to be kept."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    is_whole: bool = True


class HeldAnswer(msgspec.Struct, frozen=True):
    """What a caller is answered whose call needs a person. `waits` is False if it was sent before: then it is the app's
    answer to that.
    """

    response: Response
    waits: bool


def approval_document(approval: Approval, now: int, link: str) -> dict[str, Any]:
    """The held call in the form of the API."""
    asked = approval.asked
    return {
        "id": approval.id,
        "state": approval.state_at(now),
        "link": link,
        "key": {"id": asked.key_id, "name": asked.key_name},
        "connection": {"id": asked.connection_id, "name": asked.connection_name},
        "app": asked.app,
        "environment": asked.environment,
        "operation": {
            "name": asked.operation,
            "module": (asked.module or None) if asked.is_of_a_kind else None,
            "kind": asked.kind,
            "for_an_hour": asked.is_of_a_kind,
        },
        "words": asked.words,
        "method": approval.method,
        "path": approval.path,
        "body_bytes": approval.size,
        "sha256": approval.digest.hex(),
        "reason": asked.reason,
        "rule": asked.rule,
        "created_at": wire_time_of(approval.created),
        "expires_at": wire_time_of(approval.deadline),
        "decided_at": _time(approval.decided),
        "decided_by": approval.decided_by,
        "note": approval.note,
        "answer": None
        if approval.answer_status is None
        else {"status": approval.answer_status, "until": _time(approval.answer_until)},
    }


def grant_document(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "key": {"id": grant.key_id, "name": grant.key_name},
        "connection": {"id": grant.connection_id, "name": grant.connection_name},
        "operation": {"name": grant.operation, "module": grant.module or None},
        "approval_id": grant.approval_id,
        "given_by": grant.given_by,
        "created_at": wire_time_of(grant.created),
        "ends_at": wire_time_of(grant.ends),
    }


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else wire_time_of(microseconds)
