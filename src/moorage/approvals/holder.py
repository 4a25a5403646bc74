"""The gateway's side of held calls: what a caller is answered whose call has to wait for a person."""

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from moorage.approvals.errors import AnswerGone, ApprovalDeclined, ApprovalRequired, ApprovalUnderWay
from moorage.approvals.model import (
    MANY_THINGS,
    UNDER_WAY,
    Answer,
    Approval,
    Asked,
    HeldAnswer,
    HeldCall,
    approval_document,
)
from moorage.approvals.service import Approvals
from moorage.approvals.wording import words_of
from moorage.connections.model import Connection, Environment, Upstream
from moorage.http.message import Headers, Response
from moorage.http.timestamps import wire_time_of
from moorage.keys.model import Principal
from moorage.policies import Operation, Verdict, bodies
from moorage.policies.app_operations import MOST_IN_ONE_CALL
from moorage.policies.model import ANY_MODULE

_RETRY_AFTER = b"5"  # Seconds.


class AskedCall(Protocol):
    """As `gateway.holding.AskedCall`."""

    @property
    def principal(self) -> Principal: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def method(self) -> str: ...
    @property
    def native(self) -> bytes: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...
    @property
    def operation(self) -> Operation: ...
    @property
    def verdict(self) -> Verdict: ...


class Holder:
    """See `gateway.holding.Holder`. `environment` says to which kind of account an upstream of an app leads."""

    def __init__(
        self, approvals: Approvals, public_url: str, environment: Callable[[str, Upstream], Environment]
    ) -> None:
        self._approvals = approvals
        self._prefix = urlsplit(public_url).path.rstrip("/")
        self._environment = environment

    @property
    def max_body(self) -> int:
        return self._approvals.limits.body

    async def hold(self, call: AskedCall) -> HeldAnswer | None:
        """Let a call wait; None if a person's leave covers it.

        Raises ApprovalRequired, unless the caller prefers another answer, and the errors of `Approvals.meet`.
        """
        held = HeldCall(call.method, call.native, call.headers, call.body)
        met = await self._approvals.meet(
            self._asked(call, held.path), held, _header(held, b"idempotency-key")
        )
        if isinstance(met, Answer):
            return HeldAnswer(response_of(met), waits=False)
        if not isinstance(met, Approval):
            return None
        return HeldAnswer(self._answer(met, is_async=_prefers_async(held)), waits=True)

    def _asked(self, call: AskedCall, path: str) -> Asked:
        principal, connection, operation = call.principal, call.connection, call.operation
        upstream, document = connection.upstream, _document(call)
        return Asked(
            account_id=principal.account_id,
            key_id=principal.key_id,
            key_name=principal.name,
            connection_id=connection.id,
            connection_name=_name_of(connection),
            app=connection.app,
            environment="live" if upstream is None else self._environment(connection.app, upstream),
            operation=operation.name,
            module=_subject(call, path, document),
            kind=operation.kind,
            words=words_of(operation, path, _records(call, document)),
            reason=call.verdict.reason,
            rule=call.verdict.rule,
        )

    def _answer(self, approval: Approval, *, is_async: bool) -> Response:
        link = self._approvals.link(approval.id)
        now = self._approvals.now()
        state = approval.state_at(now)
        if state == "unknown":
            raise AnswerGone(f"The held call {approval.id} is unknown. {approval.note}")
        if state not in UNDER_WAY:
            raise ApprovalDeclined(f"The held call {approval.id} is {state}. {approval.note or ''}".rstrip())
        if not is_async:
            more = {"id": approval.id, "link": link, "expires_at": wire_time_of(approval.deadline)}
            if state != "waiting":
                raise ApprovalUnderWay(approval.asked.words, more)
            raise ApprovalRequired(approval.asked.words, approval.asked.reason, more)
        headers = [
            (b"content-type", b"application/json"),
            (b"location", f"{self._prefix}/approvals/{approval.id}".encode()),
            (b"retry-after", _RETRY_AFTER),
            (b"preference-applied", b"respond-async"),
        ]
        document = {"approval": approval_document(approval, now, link)}
        return Response(202, msgspec.json.encode(document), headers)


def response_of(answer: Answer) -> Response:
    """The app's answer, as the caller would have got it at once."""
    headers = list(answer.headers)
    if answer.status >= 400:
        headers.append((b"moorage-error-source", b"upstream"))
    return Response(answer.status, answer.body, headers)


def _subject(call: AskedCall, path: str, document: Any) -> str:
    """What the operation is about. Two calls of one operation about the same do the same kind of thing."""
    operation = call.operation
    if operation.parts or operation.opaque or _may_be_many(call, document):
        return MANY_THINGS  # A job may change one record now, and all of them the next time.
    if "/" not in operation.name:  # A path that is in no table: the name says nothing but the method.
        return path
    return MANY_THINGS if ANY_MODULE in operation.modules else ", ".join(operation.modules)


def _may_be_many(call: AskedCall, document: Any) -> bool:
    """True if the call may change more records than one call does."""
    is_many = call.operation.records > MOST_IN_ONE_CALL
    if is_many or "records" not in call.operation.unsure:
        return is_many
    listed = bodies.records_in(document)
    is_garbled = document is None and call.body.lstrip()[:1] in {b"{", b"["}
    return is_garbled or listed is None or listed > MOST_IN_ONE_CALL


def _records(call: AskedCall, document: Any) -> int:
    """How many records the call names; 0 if that is not known."""
    if "records" not in call.operation.unsure:
        return call.operation.records
    data = document.get("data") if isinstance(document, dict) else None
    return len(data) if isinstance(data, list) else 0


def _document(call: AskedCall) -> Any:
    """What the body says of the records; None if it says nothing of them, or can't be read as JSON in one way only."""
    if "records" not in call.operation.unsure:
        return None
    try:
        return bodies.json_of(call.body)
    except bodies.Unreadable:
        return None


def _name_of(connection: Connection) -> str:
    """What people call the connection."""
    organisation = connection.metadata.get("organisation") or connection.metadata.get("user")
    return connection.labels.alias or str(organisation or connection.id)


def _header(call: HeldCall, name: bytes) -> bytes | None:
    return next((value for key, value in call.headers if key.lower() == name), None)


def _prefers_async(call: HeldCall) -> bool:
    """True if a Prefer header says respond-async (RFC 7240)."""
    values = [value for name, value in call.headers if name.lower() == b"prefer"]
    preferences = [part.partition(b";")[0].strip().lower() for value in values for part in value.split(b",")]
    return b"respond-async" in preferences
