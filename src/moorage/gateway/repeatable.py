"""A call that may be sent once more: over a new connection, or with a new token."""

from collections.abc import Awaitable
from time import monotonic

from moorage.errors import MoorageError
from moorage.gateway.inspection import InspectedExchange
from moorage.gateway.target import Target
from moorage.gateway.upstream import UpstreamConnection
from moorage.http.bodies import Allowance, Body, Budget
from moorage.http.head import IDEMPOTENT
from moorage.logs import REQUEST_ID, Log

# A body up to this size is kept until the answer begins, so that it can be sent again.
REPLAYED_BODY = 64 * 1024
# A relayed body needs no limit: little of it is in memory, because it is read only as fast as it is sent on.
UNLIMITED = Allowance(1 << 62, Budget(1 << 62))

log = Log(__name__)


class RepeatableCall(InspectedExchange):
    """Remembers what was sent of a call, as long as it may be sent again, and knows when it may."""

    __slots__ = ("_renewed", "_replayable", "_sent_body", "_target", "_upstream", "needs_new")

    _target: Target | None  # None until it is known, and while it is looked up again.
    _upstream: UpstreamConnection | None
    _sent_body: bytes  # The part of the body that was sent, as long as it can be sent again.
    _replayable: bool
    _renewed: bool
    needs_new: bool  # True after a kept connection has ended under this call.

    async def _await_target(self, lookup: Awaitable[Target]) -> None:
        """Go on with the target that is looked up, for the first time or with a new token."""
        REQUEST_ID.set(self.request_id.decode())
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

    def _remember_sent(self, part: bytes) -> None:
        """Remember a part of the body that was sent, as long as the whole body is small enough to be sent again."""
        if self.bytes_in > REPLAYED_BODY:
            self._replayable = False
            self._sent_body = b""
        elif self._replayable:
            self._sent_body += part

    def _restore_body(self) -> None:
        """Put the part of the body that was sent in front of the rest, so that all of it is sent again."""
        if self._sent_body:
            rest = b"" if self._body is None else self._body.whole()
            self._body = Body(UNLIMITED)
            self._body.add(self._sent_body + rest)
            self._sent_body = b""

    def _may_retry(self) -> bool:
        """True if the request can be sent again after the upstream has closed its kept connection."""
        return self._replayable and not self.needs_new and self.head.method in IDEMPOTENT

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
        REQUEST_ID.set(self.request_id.decode())
        try:
            await renewal
        except MoorageError as error:
            log.warning("gateway.token_not_renewed", code=error.code, reason=error.message)
