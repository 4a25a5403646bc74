"""One call through the gateway, from the caller's head to the last byte of the upstream's answer."""

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

from moorage.errors import MoorageError
from moorage.gateway.errors import UpstreamError
from moorage.gateway.paths import require_safe
from moorage.gateway.read_only import only_reads
from moorage.gateway.redirects import at_gateway, is_redirect
from moorage.gateway.resolve import Target
from moorage.gateway.rewrite import AnswerHead, CallerHeaders, embedded_answer
from moorage.gateway.upstream import UpstreamConnection
from moorage.http.answering import Visit
from moorage.http.bodies import Allowance, Body, Budget
from moorage.http.direct import DirectProtocol
from moorage.http.encode import BODILESS, STATUS_LINES, lines_of
from moorage.http.errors import internal, render
from moorage.http.head import IDEMPOTENT, Head
from moorage.http.message import Request, Response
from moorage.ids import new_request_id
from moorage.keys.errors import ScopeMissing
from moorage.logs import Log

if TYPE_CHECKING:
    import asyncio

    from moorage.gateway.gateway import Gateway

KEPT_BODY = 64 * 1024  # A body up to this size is kept until its answer begins, to be sent again.
_READ_AHEAD = 64 * 1024
# Some readers would wait for the body that it announces, which a 204 can't have.
_LENGTH = frozenset({b"content-length"})

# What only passes is little for each call, as nobody is read from faster than it leaves.
_PASSING = Allowance(1 << 62, Budget(1 << 62))

log = Log(__name__)


class Relay(Visit):
    __slots__ = (
        "_borrowing",
        "_caller",
        "_chunking",
        "_gateway",
        "_kept",
        "_native",
        "_out",
        "_renewed",
        "_replayable",
        "_request_id",
        "_shown",
        "_size",
        "_target",
        "_upstream",
        "left",
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
        self._upstream: UpstreamConnection | None = None
        self._borrowing = False
        self._body = None  # What has come of the body and was not sent yet.
        self._kept = b""  # What was sent of it, as long as it can be sent again.
        self._size = 0
        self._complete = False
        self._task = None
        self._replayable = True
        self._renewed = False
        self.needs_new = False  # Set once a kept connection turned out to have ended.
        self._shown: Request | None = None  # What the embedded CRM has seen, before the body.
        self._out: list[bytes] = []
        self._chunking = False
        self.through: tuple[tuple[bytes, bytes], ...] = ()  # Which connection serves it, once that is known.
        self.left = False  # Whether anything of the request may have reached the upstream.

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
            self._protocol.start_task(self._aim_at(self._gateway.resolver.resolve(caller.route_key)))
        else:
            self._aim(target)

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        body = self._body
        if body is None:
            body = self._body = Body(_PASSING)
        try:
            body.add(part)
        except MoorageError as error:
            self._body = None
            self._refuse(error)

    def on_read(self) -> None:
        self._go_on()
        if self._target is None or (self._borrowing and self._size > _READ_AHEAD):
            self.pause_sending()

    def on_end(self) -> None:
        self._complete = True
        self._go_on()

    def on_gone(self) -> None:
        super().on_gone()
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

    async def _aim_at(self, asked: Awaitable[Target]) -> None:
        try:
            target = await asked
            if self._protocol.is_current(self):
                self._aim(target)
                self._protocol.resume_reading()
                self._go_on()
        except MoorageError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told and the log has it)
            self._fail(error)

    def _aim(self, target: Target) -> None:
        self.through = target.through
        if target.reads_only and not only_reads(self._head, self._native):
            self._refuse(ScopeMissing(f"proxy:{target.app}"))
            return
        if target.origin is None and self._head.has_body and not self._is_admitted(target):
            return
        self._target = target
        self._protocol.want_body()

    def _go_on(self) -> None:
        """Send what there is to send, once there is somebody to send it to."""
        target = self._target
        if target is None:
            return
        if target.origin is None:
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
        self._borrowing = False
        self._upstream = upstream
        self.left = True
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
            b"Transfer-Encoding: chunked\r\n" if self._head.lines.coding else b"",
        )

    def _send(self, upstream: UpstreamConnection, data: bytes) -> None:
        """Send what there is of the body, behind that data."""
        is_chunked = self._head.lines.coding is not None
        if self._body is not None:
            part, self._body = self._body.whole(), None
            data += b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part
            self._keep(part)
        if self._complete:
            upstream.end(data + b"0\r\n\r\n" if is_chunked else data)
        elif data:
            upstream.write(data)

    def _keep(self, part: bytes) -> None:
        """Remember what was sent, as long as all of it can be."""
        if self._size > KEPT_BODY:
            self._replayable = False
            self._kept = b""
        elif self._replayable:
            self._kept += part

    def _put_back(self) -> None:
        """Have all that was sent of the body sent again, before what was not."""
        if self._kept:
            rest = b"" if self._body is None else self._body.whole()
            self._body = Body(_PASSING)
            self._body.add(self._kept + rest)
            self._kept = b""

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
        asked = self._head
        if not head.sized and status not in BODILESS and asked.method != b"HEAD":
            if asked.version == "1.1":
                self._chunking = True
                lines.append(b"Transfer-Encoding: chunked\r\n")
            else:
                self._protocol.end_with_answer()
        lines += (self._protocol.connection, b"\r\n")
        self._out = lines

    def _redirect(self, head: AnswerHead) -> None:
        """Where the app sends its caller to itself, the caller goes through the gateway."""
        target, app, gateway = self._target, self._caller.route_key.app, self._gateway
        if target is None or target.origin is None or not gateway.rules[app].rewrites_redirects:
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
        raise NotImplementedError  # Only who asks for a switch is given one.

    def on_part(self, part: bytes) -> None:
        self._out.append(b"%x\r\n%b\r\n" % (len(part), part) if self._chunking else part)

    def on_flush(self) -> None:
        if self._out:
            self._protocol.begun = True
            self._protocol.write(b"".join(self._out))
            self._out.clear()

    def on_complete(self) -> None:
        self._upstream = None
        if self._chunking:
            self._out.append(b"0\r\n\r\n")
        self.on_flush()
        self._protocol.done()

    def on_failure(self, error: UpstreamError, *, stale: bool) -> None:
        upstream, self._upstream = self._upstream, None
        if self._protocol.begun:
            self._break_off(upstream)
        elif stale and upstream is not None and self._may_retry():
            self.needs_new = True
            self._put_back()
            self._gateway.pool.drop_kept(upstream.origin)
            self._go_on()
        else:
            self._refuse(error)

    def _break_off(self, upstream: UpstreamConnection | None) -> None:
        """End an answer that can't come to its end: all that there is of it goes to the caller, if they read it."""
        if upstream is not None and upstream.is_paused:
            self._protocol.abort()
        else:
            self.on_flush()
            self._protocol.break_off()

    def _may_retry(self) -> bool:
        """Whether a request can go out again that a server closed its kept connection under."""
        return self._replayable and not self.needs_new and self._head.method in IDEMPOTENT

    def _send_again(self, target: Target) -> bool:
        """The token was refused: have it renewed, and send the request once more if that can be done."""
        if self._renewed or not self._gateway.resolver.may_refresh(target):
            return False
        self._renewed = True
        if self._upstream is not None and not (self._replayable and self._complete):
            self._protocol.start_task(self._renew_for_others(self._gateway.resolver.refused(target)))
            return False
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.drop()
        self._put_back()
        self._target = None
        self._protocol.start_task(self._aim_at(self._gateway.resolver.refused(target)))
        return True

    async def _renew_for_others(self, renewal: Awaitable[Target]) -> None:
        try:
            await renewal
        except MoorageError as error:
            log.warning("gateway.token_not_renewed", code=error.code, reason=error.message)

    # The embedded CRM.

    def _is_admitted(self, target: Target) -> bool:
        """Whether the CRM takes the call's body; who may not make the call is told so before it is sent."""
        self._shown = self._embedded_request(target)
        try:
            refused = self._admit(self._shown)
        except MoorageError as error:
            self._refuse(error)
            return False
        if refused is None:
            return True
        if refused.status != 401 or not self._send_again(target):
            self._protocol.refuse(embedded_answer(refused, self._request_id, self.through))
        return False

    def _embedded_request(self, target: Target) -> Request:
        """The call as the CRM is given it, without its body."""
        path, _, query = self._native.partition(b"?")
        headers = [*self._caller.lowered, (b"authorization", target.authorization)]
        method, scheme = self._head.method.decode(), self._protocol.scheme or "http"
        return Request(method, path, query, headers, scheme=scheme)

    def _whole_request(self) -> Request:
        self.left = True
        target = self._target
        assert target is not None
        request = self._shown or self._embedded_request(target)
        if self._body is not None:
            request.body = self._body.contents()
        return request

    def _give(self, response: Response) -> None:
        if response.status == 401 and self._target is not None and self._send_again(self._target):
            return
        self._protocol.respond(embedded_answer(response, self._request_id, self.through))

    # Errors of ours.

    def _refuse(self, error: MoorageError) -> None:
        if not self._protocol.is_current(self):
            return
        self._protocol.refuse(refusal(error, self._request_id.decode(), left=self.left, through=self.through))

    def _fail(self, error: Exception) -> None:
        log.error("gateway.failed", request_id=self._request_id.decode(), exc_info=error)
        self._refuse(internal())


def refusal(
    error: MoorageError, request_id: str, *, left: bool, through: Iterable[tuple[bytes, bytes]] = ()
) -> Response:
    """An error of ours, which tells whether anything of the request has left for the app, and through which connection
    it went or would have gone, if one was chosen."""
    response = render(error, request_id)
    response.headers += through or error.through
    response.headers.append((b"moorage-request-sent", b"true" if left else b"false"))
    return response
