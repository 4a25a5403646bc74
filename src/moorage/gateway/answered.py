"""The answer of a remote app, on its way to the caller."""

from time import monotonic
from typing import TYPE_CHECKING

from moorage.gateway.errors import UpstreamError
from moorage.gateway.redirects import at_gateway, is_redirect
from moorage.gateway.repeatable import RepeatableCall
from moorage.gateway.rewrite import AnswerHead
from moorage.gateway.upstream import UpstreamConnection
from moorage.http.encode import BODILESS, STATUS_LINES, lines_of
from moorage.requests.notes import TOGETHER

if TYPE_CHECKING:
    import asyncio

# A 204 has no body. With this header some readers would wait for a body.
_LENGTH = frozenset({b"content-length"})


class AnsweredCall(RepeatableCall):
    """Passes on an answer as it comes, part by part. One that asks for another try is not passed on."""

    __slots__ = ("_chunking", "_out")

    _chunking: bool  # True if the answer goes to the caller in chunks.
    _out: list[bytes]  # What was not written yet.

    def on_head(self, status: int, head: AnswerHead) -> None:
        target = self._target
        assert target is not None
        if status == 401 and self._send_again(target):
            return
        self.status = status
        if status == 204:
            head.drop(_LENGTH)
        if head.location and is_redirect(status):
            self._redirect(head)
        lines = [
            STATUS_LINES[status],
            lines_of(head.forwarded),
            b"X-Request-Id: %b\r\n%b" % (self.request_id, target.through_lines),
        ]
        if status >= 400:
            lines.append(b"Moorage-Error-Source: upstream\r\n")
        request_head = self.head
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
        self.bytes_out += len(part)
        self._out.append(b"%x\r\n%b\r\n" % (len(part), part) if self._chunking else part)

    def on_flush(self) -> None:
        if not self.answered_at:
            self.answered_at = monotonic()
        if self._out:
            self._protocol.begun = True
            self._protocol.write(b"".join(self._out))
            self._out.clear()

    def on_complete(self) -> None:
        self._upstream = None
        if self._chunking:
            self._out.append(b"0\r\n\r\n")
        ended = monotonic()
        # It is noted before it is written: behind a call of the kernel, less of what that takes is at hand.
        if self.answered_at or self.bytes_in or self._sent_at is not self.began:
            self.answered_at = self.answered_at or ended
            self._note("upstream", self.status, ended)
        else:
            self.answered_at = ended  # Most answers are one piece, so one look at the clock is enough.
            notes = self._gateway.notes
            if notes is not None:
                # Nearly all calls end here, so this has few instructions: the call itself waits until many are
                # written down. One with a body does not, as that would be in memory for as long.
                plain = notes.plain
                plain.append(self)  # type: ignore[arg-type]  # `resolved` is known.
                if len(plain) >= TOGETHER:
                    notes.write_down()
        self.on_flush()
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
        self._note("upstream", self.status, monotonic(), "broken_off")
        if upstream is not None and upstream.is_paused:
            self._protocol.abort()
        else:
            self.on_flush()
            self._protocol.break_off()
