"""A call that gets into the request log when it ends."""

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from moorage.approvals.model import Answer, HeldCall
from moorage.errors import MoorageError
from moorage.gateway.rewrite import CallerHeaders
from moorage.gateway.target import Target
from moorage.http.answering import DoorExchange
from moorage.http.errors import STATUS
from moorage.http.message import Response
from moorage.policies import Decision, Verdict
from moorage.requests import Caller, Notes, Sent, Source
from moorage.requests.bodies import Bodies, body_of, token_of

if TYPE_CHECKING:
    from moorage.gateway.gateway import Gateway


class NotedCall(DoorExchange):
    """Subclasses note each end of a call. Only the first note of a call counts."""

    __slots__ = (
        "_caller",
        "_gateway",
        "_sent_at",
        "answered_at",
        "began",
        "bytes_in",
        "bytes_out",
        "decision",
        "native",
        "request_id",
        "request_sent",
        "resolved",
        "status",
    )  # fmt: skip

    _caller: CallerHeaders
    _gateway: "Gateway"
    native: bytes
    request_id: bytes
    # Moments of the monotonic clock. `began` is 0 for a call that needs no note, or has got it.
    began: float
    _sent_at: float
    answered_at: float
    resolved: Target | None  # The last target that was found.
    status: int
    bytes_in: int  # Of the body of the request, as far as it has arrived.
    bytes_out: int
    decision: Decision | None  # What the key's policy decided; None if the key may make all calls.
    request_sent: bool  # True if a part of the request may have reached the upstream.

    def _note_answer(self, response: Response) -> None:
        """Note a whole answer of the embedded CRM."""
        self.answered_at = ended = monotonic()
        self.status = response.status
        self.bytes_out = len(response.body)
        self._note("upstream", response.status, ended)

    def note_error(self, error: MoorageError) -> None:
        """Note that the gateway has answered with an error. Calls whose key is not known are only counted."""
        if not self.began:
            return
        caller = _caller_of(error, self._caller) if self.resolved is None else self.resolved.caller
        if caller is not None:
            self._note("gateway", STATUS.get(error.code, 500), monotonic(), error.code, caller)
            return
        self.began = 0.0
        assert self._gateway.notes is not None
        self._gateway.notes.strangers += 1

    def _note(
        self,
        source: Source,
        status: int,
        ended: float,
        error: str | None = None,
        caller: Caller | None = None,
    ) -> bool:
        """Note the end of a call. False if there is no note, or was one already."""
        began, self.began = self.began, 0.0
        notes = self._gateway.notes
        if not began or notes is None:
            return False
        if caller is None:
            if self.resolved is None:
                return False
            caller = self.resolved.caller
        was_sent: Sent = "true" if self.status else "unknown" if self.request_sent else "false"
        plain = began, ended, status, self.request_id, self.bytes_out, self.bytes_in
        what = caller, self.head.method, self.native, self.decision
        if self._sent_at is began and self.answered_at == ended and source == "upstream" and error is None:
            notes.add(what, plain)
        else:
            notes.add(what, (*plain, self.answered_at, self._sent_at, source, error, was_sent))
        return True


def _caller_of(error: MoorageError, headers: CallerHeaders) -> Caller | None:
    """Who called, if that was known when the call failed."""
    if error.called_by is None:
        return None
    connection = dict(error.through).get(b"Moorage-Connection")
    connection_id = None if connection is None else connection.decode("ascii").partition(";")[0]
    return Caller(*error.called_by, headers.route_key.app.decode("latin-1"), connection_id)


class _Approved(NamedTuple):
    """The decision about a call that a person has approved."""

    operation: None = None
    verdict: Verdict = Verdict("ask", "A person has approved it.")


_APPROVED = _Approved()


class OwnNote:
    """The note of a call that this server sends by itself, after a person has approved it."""

    def __init__(self, notes: Notes | None, target: Target, call: HeldCall, request_id: str) -> None:
        self._notes = notes
        self._target = target
        self._call = call
        self.request_id = request_id.encode("ascii")
        self.began = monotonic()

    def answered(self, answer: Answer) -> None:
        self._add(monotonic(), answer.status, "upstream", None, len(answer.body), "true")
        self._keep_bodies(answer)

    def failed(self, error: str, *, sent: Sent) -> None:
        self._add(0.0, 0, "gateway", error, 0, sent)
        self._keep_bodies(None)

    def _add(
        self, answered: float, status: int, source: Source, error: str | None, size: int, sent: Sent
    ) -> None:
        if self._notes is None:
            return
        call, began = self._call, self.began
        what = self._target.caller, call.method.encode("latin-1"), call.native, _APPROVED
        plain = began, monotonic(), status, self.request_id, size, len(call.body)
        self._notes.add(what, (*plain, answered, began, source, error, sent))

    def _keep_bodies(self, answer: Answer | None) -> None:
        """Keep the bodies of the call that was just noted."""
        if self._notes is None or self._notes.bodies is None:
            return
        most, body = self._notes.bodies.most, self._call.body
        request = body_of(self._call.headers, len(body), body[:most])
        answered = None
        if answer is not None:
            answered = body_of(answer.headers, len(answer.body), answer.body[:most])
        self._notes.keep(Bodies(request, answered, token_of(self._target.authorization)))
