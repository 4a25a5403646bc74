"""Relays one call, from the head of the request to the last byte of the upstream's answer."""

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

from moorage.approvals.model import HeldAnswer
from moorage.errors import MoorageError
from moorage.gateway.answered import AnsweredCall
from moorage.gateway.errors import UpstreamError
from moorage.gateway.paths import require_safe
from moorage.gateway.repeatable import UNLIMITED
from moorage.gateway.rewrite import CallerHeaders, embedded_answer
from moorage.gateway.target import Target
from moorage.gateway.upstream import UpstreamConnection
from moorage.http.bodies import Body
from moorage.http.direct import DirectProtocol
from moorage.http.errors import internal, render
from moorage.http.head import Head
from moorage.http.message import Request, Response
from moorage.ids import new_request_id
from moorage.logs import Log

if TYPE_CHECKING:
    from moorage.gateway.gateway import Gateway

_READ_AHEAD = 64 * 1024

log = Log(__name__)


class Relay(AnsweredCall):
    """One call through the gateway. `native` is what follows the app's name in the request's target, with the query."""

    __slots__ = ("_admission_request", "_admission_target", "_borrowing", "through")

    switches = False

    def __init__(
        self, protocol: DirectProtocol, head: Head, caller: CallerHeaders, native: bytes, gateway: "Gateway"
    ) -> None:
        self._protocol = protocol
        self.head = head
        self._caller = caller
        self.native = native
        self._gateway = gateway
        self._door = gateway.embedded
        self.request_id = caller.request_id or new_request_id().encode()
        self._target = None
        self._admission_target: Target | None = None  # The embedded CRM, while it decides on the body.
        self._upstream = None
        self._borrowing = False
        self._body = None  # The part of the body that has arrived, but was not sent.
        self._sent_body = b""
        self._complete = False
        self._task = None
        self._replayable = True
        self._renewed = False
        self._inspected = None
        self.decision = None
        self.needs_new = False
        # The request that the embedded CRM saw before its body.
        self._admission_request: Request | None = None
        self._out = []
        self._chunking = False
        self.through: tuple[tuple[bytes, bytes], ...] = ()  # The headers that name the chosen connection.
        # For the request log.
        self.began = self._sent_at = 0.0 if gateway.notes is None else monotonic()
        self.answered_at = 0.0
        self.resolved = None
        self.status = self.bytes_in = self.bytes_out = 0
        self.request_sent = False

    # The request.

    def start(self) -> None:
        try:
            caller, head = self._caller, self.head
            require_safe(head.method, caller.route_key.app, self.native)
            target = self._gateway.resolver.remembered(caller.route_key)
        except MoorageError as error:
            self._refuse(error)
            return
        if target is None:
            self._protocol.start_task(self._await_target(self._gateway.resolver.resolve(caller.route_key)))
        else:
            self._set_target(target)

    def on_body(self, part: bytes) -> None:
        self.bytes_in += len(part)
        body = self._body
        if body is None:
            body = self._body = Body(UNLIMITED)
        try:
            body.add(part)
        except MoorageError as error:
            self._body = None
            self._refuse(error)

    def on_read(self) -> None:
        self._continue()
        if self._target is None:
            if self._inspected is None:
                self.pause_sending()
        elif self._borrowing and self.bytes_in > _READ_AHEAD:
            self.pause_sending()

    def on_end(self) -> None:
        self._complete = True
        self._continue()

    def on_gone(self) -> None:
        super().on_gone()
        self._note("gateway", self.status if self._protocol.begun else 0, monotonic(), "caller_gone")
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.drop()
        elif self._borrowing and self._target is not None and self._target.origin is not None:
            self._gateway.pool.forget(self._target.origin, self)

    def pause_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.pause()

    def resume_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.resume()

    def _set_target(self, target: Target) -> None:
        self.resolved = target
        self.through = target.through
        guard = target.guard
        if guard is not None and self.decision is None:
            decision = guard.known.get((self.head.method, self.native))
            if decision is None or not decision.passes or self._caller.overrides is not False:
                self._inspect(target, guard)
                return
            self.decision = decision
            if guard.purse is not None and not self._may_spend(guard.purse, decision):
                return
        if target.origin is None and self.head.has_body:
            self._admission_target, self._admission_request = target, self._embedded_request(target)
            self._admit(self._admission_request)
        else:
            self._target = target
            self._protocol.want_body()

    def _continue(self) -> None:
        """Send the arrived part of the request, if the target and its connection are known."""
        target = self._target
        if target is None:
            self._look()
        elif target.origin is None:
            self._collect()
        elif self._upstream is not None:
            self._send(self._upstream, b"")
        elif (self._body is not None or self._complete) and not self._borrowing:
            upstream = self._gateway.pool.borrow(target.origin, self)
            if upstream is None:
                self._borrowing = True
            else:
                self.on_connected(upstream)

    # The remote upstream.

    def on_connected(self, upstream: UpstreamConnection) -> None:
        if self._borrowing:
            self._borrowing = False
            self._sent_at = monotonic()
        self._upstream = upstream
        self.request_sent = True
        upstream.begin(self, bare=self.head.method == b"HEAD")
        self._send(upstream, self._request_head())
        if not self._complete:
            self._protocol.resume_reading()

    def on_unreachable(self, error: UpstreamError) -> None:
        self._borrowing = False
        self._refuse(error)

    def _request_head(self) -> bytes:
        target, caller = self._target, self._caller
        assert target is not None
        assert target.origin is not None
        return b"%b %b%b HTTP/1.1\r\nHost: %b\r\nAuthorization: %b\r\n%b%b\r\n" % (
            self.head.method,
            target.origin.base_path,
            self.native,
            target.origin.authority,
            target.authorization,
            caller.lines,
            b"Transfer-Encoding: chunked\r\n" if self.head.block.coding else b"",
        )

    def _send(self, upstream: UpstreamConnection, data: bytes) -> None:
        """Send `data`, and behind it the arrived part of the body."""
        is_chunked = self.head.block.coding is not None
        if self._body is not None:
            part, self._body = self._body.whole(), None
            data += b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part
            self._remember_sent(part)
        if self._complete:
            upstream.end(data + b"0\r\n\r\n" if is_chunked else data)
        elif data:
            upstream.write(data)

    def pause_sending(self) -> None:
        if not self._complete:
            self._protocol.flow.pause_reading()

    def resume_sending(self) -> None:
        self._protocol.resume_reading()

    # The embedded CRM.

    def _begin_body(self) -> None:
        self._target = self._admission_target
        self._protocol.want_body()

    def _refuse_with(self, response: Response) -> None:
        """Refuse the call before its body is sent."""
        target = self._admission_target
        assert target is not None
        if response.status != 401 or not self._send_again(target):
            self._note_answer(response)
            self._protocol.refuse(embedded_answer(response, self.request_id, self.through))

    def _embedded_request(self, target: Target) -> Request:
        """The call in the form of the CRM, without its body."""
        path, _, query = self.native.partition(b"?")
        headers = [*self._caller.lowered, (b"authorization", target.authorization)]
        method, scheme = self.head.method.decode(), self._protocol.scheme or "http"
        return Request(method, path, query, headers, scheme=scheme)

    def _whole_request(self) -> Request:
        self.request_sent = True
        target = self._target
        assert target is not None
        request = self._admission_request or self._embedded_request(target)
        if self._body is not None:
            request.body = self._body.contents()
            self._sent_at = monotonic()
        return request

    def _answer(self, held: HeldAnswer) -> None:
        response = held.response
        response.headers += ((b"x-request-id", self.request_id), *self.through)
        self.bytes_out = len(response.body)
        self._note("gateway", response.status, monotonic(), "approval_required" if held.waits else None)
        self._protocol.respond(response)

    def _give(self, response: Response) -> None:
        if response.status == 401 and self._target is not None and self._send_again(self._target):
            return
        self._note_answer(response)
        self._protocol.respond(embedded_answer(response, self.request_id, self.through))

    # Errors of the gateway.

    def _refuse(self, error: MoorageError) -> None:
        if not self._protocol.is_current(self):
            return
        self._protocol.refuse(self.refusal_of(error, self.request_id.decode()))

    def refusal_of(self, error: MoorageError, request_id: str) -> Response:
        """The answer with an error of the gateway, which is noted."""
        response = refusal(error, request_id, request_sent=self.request_sent, through=self.through)
        self.bytes_out = 0 if self.head.method == b"HEAD" else len(response.body)
        self.note_error(error)
        return response

    def _fail(self, error: Exception) -> None:
        log.error("gateway.failed", request_id=self.request_id.decode(), exc_info=error)
        self._refuse(internal())


def refusal(
    error: MoorageError, request_id: str, *, request_sent: bool, through: Iterable[tuple[bytes, bytes]] = ()
) -> Response:
    """The answer with an error of the gateway.

    Its headers say whether a part of the request was sent to the app, and name the connection if one was chosen.
    """
    response = render(error, request_id)
    response.headers += through or error.through
    response.headers.append((b"moorage-request-sent", b"true" if request_sent else b"false"))
    return response
