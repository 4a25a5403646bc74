"""Relays one call, from the head of the request to the last byte of the upstream's answer."""

from collections.abc import Awaitable, Iterable
from time import monotonic
from typing import TYPE_CHECKING

from moorage.errors import MoorageError
from moorage.gateway.errors import UpstreamError
from moorage.gateway.inspection import InspectedExchange
from moorage.gateway.paths import require_safe
from moorage.gateway.redirects import at_gateway, is_redirect
from moorage.gateway.rewrite import AnswerHead, CallerHeaders, embedded_answer
from moorage.gateway.target import Target
from moorage.gateway.upstream import UpstreamConnection
from moorage.http.bodies import Allowance, Body, Budget
from moorage.http.direct import DirectProtocol
from moorage.http.encode import BODILESS, STATUS_LINES, lines_of
from moorage.http.errors import internal, render
from moorage.http.head import IDEMPOTENT, Head
from moorage.http.message import Request, Response
from moorage.ids import new_request_id
from moorage.logs import REQUEST_ID, Log

if TYPE_CHECKING:
    import asyncio

    from moorage.gateway.gateway import Gateway

# A body up to this size is kept until the answer begins, so that it can be sent again.
REPLAYED_BODY = 64 * 1024
_READ_AHEAD = 64 * 1024
# A 204 has no body. With this header some readers would wait for a body.
_LENGTH = frozenset({b"content-length"})

# A relayed body needs no limit: little of it is in memory, because it is read only as fast as it is sent on.
_UNLIMITED = Allowance(1 << 62, Budget(1 << 62))

log = Log(__name__)


class Relay(InspectedExchange):
    """One call through the gateway. `native` is what follows the app's name in the request's target, with the query."""

    __slots__ = (
        "_admission_request",
        "_admission_target",
        "_borrowing",
        "_chunking",
        "_out",
        "_renewed",
        "_replayable",
        "_sent_body",
        "_target",
        "_upstream",
        "needs_new",
        "through",
    )  # fmt: skip

    switches = False

    def __init__(
        self, protocol: DirectProtocol, head: Head, caller: CallerHeaders, native: bytes, gateway: "Gateway"
    ) -> None:
        self._protocol = protocol
        self._head = head
        self._caller = caller
        self._native = native
        self._gateway = gateway
        self._door = gateway.embedded
        self._request_id = caller.request_id or new_request_id().encode()
        self._target: Target | None = None
        self._admission_target: Target | None = None  # The embedded CRM, while it decides on the body.
        self._upstream: UpstreamConnection | None = None
        self._borrowing = False
        self._body = None  # The part of the body that has arrived, but was not sent.
        self._sent_body = b""  # The part that was sent, as long as it can be sent again.
        self._complete = False
        self._task = None
        self._replayable = True
        self._renewed = False
        self._inspected = None
        self.decision = None
        self.needs_new = False  # True after a kept connection has ended under this call.
        # The request that the embedded CRM saw before its body.
        self._admission_request: Request | None = None
        self._out: list[bytes] = []
        self._chunking = False
        self.through: tuple[tuple[bytes, bytes], ...] = ()  # The headers that name the chosen connection.
        # For the request log.
        self._began = self._sent_at = 0.0 if gateway.notes is None else monotonic()
        self._answered_at = 0.0
        self._resolved = None
        self._status = self._size = self._bytes_out = 0
        self.request_sent = False

    # The request.

    def start(self) -> None:
        try:
            caller, head = self._caller, self._head
            require_safe(head.method, caller.route_key.app, self._native)
            target = self._gateway.resolver.remembered(caller.route_key)
        except MoorageError as error:
            self._refuse(error)
            return
        if target is None:
            self._protocol.start_task(self._await_target(self._gateway.resolver.resolve(caller.route_key)))
        else:
            self._set_target(target)

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        body = self._body
        if body is None:
            body = self._body = Body(_UNLIMITED)
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
        elif self._borrowing and self._size > _READ_AHEAD:
            self.pause_sending()

    def on_end(self) -> None:
        self._complete = True
        self._continue()

    def on_gone(self) -> None:
        super().on_gone()
        self._note("gateway", self._status if self._protocol.begun else 0, monotonic(), "caller_gone")
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

    async def _await_target(self, lookup: Awaitable[Target]) -> None:
        REQUEST_ID.set(self._request_id.decode())
        try:
            target = await lookup
            self._sent_at = monotonic()
            if self._protocol.is_current(self):
                self._set_target(target)
                self._protocol.resume_reading()
                self._continue()
        except MoorageError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 (`_fail` logs it and responds)
            self._fail(error)

    def _set_target(self, target: Target) -> None:
        self._resolved = target
        self.through = target.through
        guard = target.guard
        if guard is not None and self.decision is None:
            decision = guard.known.get((self._head.method, self._native))
            if decision is None or not decision.passes or self._caller.overrides is not False:
                self._inspect(target, guard)
                return
            self.decision = decision
            if guard.purse is not None and not self._may_spend(guard.purse, decision):
                return
        if target.origin is None and self._head.has_body:
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
        upstream.begin(self, bare=self._head.method == b"HEAD")
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
            self._head.method,
            target.origin.base_path,
            self._native,
            target.origin.authority,
            target.authorization,
            caller.lines,
            b"Transfer-Encoding: chunked\r\n" if self._head.block.coding else b"",
        )

    def _send(self, upstream: UpstreamConnection, data: bytes) -> None:
        """Send `data`, and behind it the arrived part of the body."""
        is_chunked = self._head.block.coding is not None
        if self._body is not None:
            part, self._body = self._body.whole(), None
            data += b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part
            self._remember_sent(part)
        if self._complete:
            upstream.end(data + b"0\r\n\r\n" if is_chunked else data)
        elif data:
            upstream.write(data)

    def _remember_sent(self, part: bytes) -> None:
        """Remember a part of the body that was sent, as long as the whole body is small enough to be sent again."""
        if self._size > REPLAYED_BODY:
            self._replayable = False
            self._sent_body = b""
        elif self._replayable:
            self._sent_body += part

    def _restore_body(self) -> None:
        """Put the part of the body that was sent in front of the rest, so that all of it is sent again."""
        if self._sent_body:
            rest = b"" if self._body is None else self._body.whole()
            self._body = Body(_UNLIMITED)
            self._body.add(self._sent_body + rest)
            self._sent_body = b""

    def pause_sending(self) -> None:
        if not self._complete:
            self._protocol.flow.pause_reading()

    def resume_sending(self) -> None:
        self._protocol.resume_reading()

    # The answer.

    def on_head(self, status: int, head: AnswerHead) -> None:
        target = self._target
        assert target is not None
        if status == 401 and self._send_again(target):
            return
        self._status = status
        if status == 204:
            head.drop(_LENGTH)
        if head.location and is_redirect(status):
            self._redirect(head)
        lines = [
            STATUS_LINES[status],
            lines_of(head.forwarded),
            b"X-Request-Id: %b\r\n%b" % (self._request_id, target.through_lines),
        ]
        if status >= 400:
            lines.append(b"Moorage-Error-Source: upstream\r\n")
        request_head = self._head
        if not head.sized and status not in BODILESS and request_head.method != b"HEAD":
            if request_head.version == "1.1":
                self._chunking = True
                lines.append(b"Transfer-Encoding: chunked\r\n")
            else:
                self._protocol.end_with_answer()
        lines += (self._protocol.connection, b"\r\n")
        self._out = lines

    def _redirect(self, head: AnswerHead) -> None:
        """If the Location is in the app itself, replace it by the gateway's path."""
        target, app, gateway = self._target, self._caller.route_key.app, self._gateway
        if target is None or target.origin is None or not gateway.rules_of(app).rewrites_redirects:
            return
        origin = target.origin
        head.forwarded = [
            (name, at_gateway(value.strip(), app, origin, gateway.prefix))
            if name.lower() == b"location"
            else (name, value)
            for name, value in head.forwarded
        ]

    def on_switched(
        self, head: AnswerHead, transport: "asyncio.Transport", socket: "asyncio.Transport", rest: bytes
    ) -> None:
        raise NotImplementedError  # Only a request that asks for a switch gets it: WebSocketCall.

    def on_part(self, part: bytes) -> None:
        self._bytes_out += len(part)
        self._out.append(b"%x\r\n%b\r\n" % (len(part), part) if self._chunking else part)

    def on_flush(self) -> None:
        if not self._answered_at:
            self._answered_at = monotonic()
        if self._out:
            self._protocol.begun = True
            self._protocol.write(b"".join(self._out))
            self._out.clear()

    def on_complete(self) -> None:
        self._upstream = None
        if self._chunking:
            self._out.append(b"0\r\n\r\n")
        ended = monotonic()
        if not self._answered_at:
            self._answered_at = ended  # Most answers are one piece, so one look at the clock is enough.
        self.on_flush()
        self._note("upstream", self._status, ended)
        self._protocol.done()

    def on_failure(self, error: UpstreamError, *, stale: bool) -> None:
        upstream, self._upstream = self._upstream, None
        if self._protocol.begun:
            self._break_off(upstream)
        elif stale and upstream is not None and self._may_retry():
            self.needs_new = True
            self._restore_body()
            self._gateway.pool.drop_kept(upstream.origin)
            self._continue()
        else:
            self._refuse(error)

    def _break_off(self, upstream: UpstreamConnection | None) -> None:
        """End an answer that can't be completed. A caller that reads gets all of it that has arrived."""
        self._note("upstream", self._status, monotonic(), "broken_off")
        if upstream is not None and upstream.is_paused:
            self._protocol.abort()
        else:
            self.on_flush()
            self._protocol.break_off()

    def _may_retry(self) -> bool:
        """True if the request can be sent again after the upstream has closed its kept connection."""
        return self._replayable and not self.needs_new and self._head.method in IDEMPOTENT

    def _send_again(self, target: Target) -> bool:
        """Get another token, because the upstream refused this one. Returns True if the request is sent once more."""
        if self._renewed or not self._gateway.resolver.may_refresh(target):
            return False
        self._renewed = True
        if self._upstream is not None and not (self._replayable and self._complete):
            self._protocol.start_task(self._renew_for_others(self._gateway.resolver.refused(target)))
            return False
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.drop()
        self._restore_body()
        self._target = None
        self._protocol.start_task(self._await_target(self._gateway.resolver.refused(target)))
        return True

    async def _renew_for_others(self, renewal: Awaitable[Target]) -> None:
        REQUEST_ID.set(self._request_id.decode())
        try:
            await renewal
        except MoorageError as error:
            log.warning("gateway.token_not_renewed", code=error.code, reason=error.message)

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
            self._protocol.refuse(embedded_answer(response, self._request_id, self.through))

    def _embedded_request(self, target: Target) -> Request:
        """The call in the form of the CRM, without its body."""
        path, _, query = self._native.partition(b"?")
        headers = [*self._caller.lowered, (b"authorization", target.authorization)]
        method, scheme = self._head.method.decode(), self._protocol.scheme or "http"
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

    def _answer(self, response: Response) -> None:
        response.headers += ((b"x-request-id", self._request_id), *self.through)
        self._note("gateway", response.status, monotonic(), "approval_required")
        self._protocol.respond(response)

    def _give(self, response: Response) -> None:
        if response.status == 401 and self._target is not None and self._send_again(self._target):
            return
        self._note_answer(response)
        self._protocol.respond(embedded_answer(response, self._request_id, self.through))

    # Errors of the gateway.

    def _refuse(self, error: MoorageError) -> None:
        if not self._protocol.is_current(self):
            return
        self.note_error(error)
        self._protocol.refuse(
            refusal(error, self._request_id.decode(), request_sent=self.request_sent, through=self.through)
        )

    def _fail(self, error: Exception) -> None:
        log.error("gateway.failed", request_id=self._request_id.decode(), exc_info=error)
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
