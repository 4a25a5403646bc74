"""Calls that this server makes itself, as a key would make them now: each once, over a connection of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from moorage.approvals.model import Answer, Approval, HeldCall
from moorage.approvals.sending import Ready, Unsent
from moorage.errors import MoorageError
from moorage.gateway.errors import UpstreamError
from moorage.gateway.gateway import Gateway
from moorage.gateway.noted import OwnNote
from moorage.gateway.paths import require_safe
from moorage.gateway.rewrite import KEPT_FROM_CALLER, AnswerHead
from moorage.gateway.target import Target
from moorage.gateway.upstream import UpstreamConnection
from moorage.http.bodies import Allowance
from moorage.http.encode import lines_of
from moorage.http.message import Headers, Parts, Request, Response
from moorage.keys.errors import ScopeMissing
from moorage.keys.model import Principal
from moorage.logs import Log

if TYPE_CHECKING:
    from moorage.crm import Trial

_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

log = Log(__name__)


class Keys(Protocol):
    async def principal_of(self, account_id: str, key_id: str) -> Principal: ...


# Makes a call to the embedded CRM and undoes it.
TryOut: TypeAlias = "Callable[[Request], Awaitable[Trial | None]]"


class OwnCalls:
    """Sends calls that were approved. `max_answer` is how many bytes of an answer are kept."""

    def __init__(self, gateway: Gateway, keys: Keys, try_out: TryOut, max_answer: int) -> None:
        self._gateway = gateway
        self._try = try_out
        self._keys = keys
        self.max_answer = max_answer

    async def prepare(self, approval: Approval, call: HeldCall) -> Ready:
        """See `approvals.sending.Sender`."""
        asked = approval.asked
        principal = await self._keys.principal_of(asked.account_id, asked.key_id)
        target = await self._target(principal, asked.app, asked.connection_id, call)
        return lambda: self._noted(approval.id, target, call)

    async def read(self, approval: Approval, native: bytes) -> Answer:
        """Get what is at a path, as the key of a held call could. Raises MoorageError, and Unsent."""
        asked, call = approval.asked, HeldCall("GET", native, [(b"Accept", b"application/json")], b"")
        principal = await self._keys.principal_of(asked.account_id, asked.key_id)
        return await self._answer(await self._target(principal, asked.app, asked.connection_id, call), call)

    async def try_out(self, approval: Approval, call: HeldCall) -> "Trial | None":
        """What a held call would change in the embedded CRM. Nothing is changed. Raises MoorageError."""
        asked = approval.asked
        principal = await self._keys.principal_of(asked.account_id, asked.key_id)
        target = await self._target(principal, asked.app, asked.connection_id, call)
        if target.origin is not None:
            return None
        request = _embedded_request(target, call)
        request.body = call.body
        return await self._try(request)

    async def _target(self, principal: Principal, app: str, connection_id: str, call: HeldCall) -> Target:
        require_safe(call.method.encode(), app.encode(), call.native)
        if not principal.scopes.may_call(app):
            raise ScopeMissing(f"proxy:{app}:read")
        target = await self._gateway.resolver.target_of(principal, app, connection_id)
        if target.guard is not None:
            names = tuple(name for name, _ in call.headers)
            target.guard.require_not_denied(call.method.encode(), call.native, call.body, names)
        return target

    async def _noted(self, approval_id: str, target: Target, call: HeldCall) -> Answer:
        """The answer of a call. The call gets into the request log, with the id of its approval as its request id."""
        note = OwnNote(self._gateway.notes, target, call, approval_id)
        try:
            answer = await self._answer(target, call)
        except Unsent:
            note.failed("not_sent", sent="false")
            raise
        except BaseException as error:
            note.failed(error.code if isinstance(error, MoorageError) else "internal", sent="unknown")
            raise
        note.answered(answer)
        return answer

    async def _answer(self, target: Target, call: HeldCall) -> Answer:
        if target.origin is None:
            return await self._embedded_answer(target, call)
        borrower = _OneCall(target, call, self.max_answer)
        self._gateway.pool.borrow(target.origin, borrower)  # No kept one, as it needs a new one.
        try:
            answer = await borrower.answer
        except asyncio.CancelledError:
            borrower.give_up()
            self._gateway.pool.forget(target.origin, borrower)
            raise
        if answer.status == 401 and self._gateway.resolver.may_refresh(target):
            # This call is not sent again. But no other one shall get the refused token.
            self._gateway.resolver.refuse(target)
        return answer

    async def _embedded_answer(self, target: Target, call: HeldCall) -> Answer:
        request = _embedded_request(target, call)
        if call.body:
            admission = self._gateway.embedded.admit(request)
            if not isinstance(admission, Response | Allowance):
                admission = await admission
            if isinstance(admission, Response):
                return await self._kept(admission)
            try:
                admission.require(len(call.body))
            except MoorageError as error:
                raise Unsent(error.message) from error
            request.body = call.body
        response = self._gateway.embedded.answer(request)
        if not isinstance(response, Response):
            response = await response
        return await self._kept(response)

    async def _kept(self, response: Response) -> Answer:
        headers = [pair for pair in response.headers if pair[0].lower() not in KEPT_FROM_CALLER]
        body, is_whole = await _collected(response.body, self.max_answer)
        return Answer(response.status, headers, body, is_whole)


def _embedded_request(target: Target, call: HeldCall) -> Request:
    """The call in the form of the embedded CRM, without its body."""
    path, _, query = call.native.partition(b"?")
    headers = [(name.lower(), value) for name, value in call.headers]
    headers.append((b"authorization", target.authorization))
    return Request(call.method, path, query, headers, scheme="http")


class _OneCall:
    """A `Borrower` that sends one call and collects the answer."""

    needs_new = True
    switches = False

    def __init__(self, target: Target, call: HeldCall, most: int) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._target = target
        self._call = call
        self._most = most
        self._upstream: UpstreamConnection | None = None
        self._status = 0
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._size = 0

    def give_up(self) -> None:
        if self._upstream is not None:
            self._upstream.drop()

    def on_connected(self, upstream: UpstreamConnection) -> None:
        self._upstream = upstream
        upstream.begin(self, bare=self._call.method == "HEAD")
        upstream.end(self._head() + self._call.body)

    def on_unreachable(self, error: UpstreamError) -> None:
        self._fail(Unsent(error.message))

    def _head(self) -> bytes:
        origin, call = self._target.origin, self._call
        assert origin is not None
        headers = [pair for pair in call.headers if pair[0].lower() != b"content-length"]
        if call.body or call.method not in _WITHOUT_BODY:
            headers.append((b"Content-Length", b"%d" % len(call.body)))
        return b"%b %b%b HTTP/1.1\r\nHost: %b\r\nAuthorization: %b\r\n%b\r\n" % (
            call.method.encode(),
            origin.base_path,
            call.native,
            origin.authority,
            self._target.authorization,
            lines_of(headers),
        )

    def on_head(self, status: int, head: AnswerHead) -> None:
        head.drop(frozenset({b"content-length"}))
        self._status, self._headers = status, head.forwarded

    def on_part(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._most:
            self._parts.append(part)
        else:
            self._parts.clear()

    def on_flush(self) -> None:
        """Nobody waits for a part of the answer."""

    def on_switched(
        self, head: AnswerHead, transport: asyncio.Transport, socket: asyncio.Transport, rest: bytes
    ) -> None:
        raise NotImplementedError  # No call of ours asks for a switch.

    def on_complete(self) -> None:
        self._upstream = None
        is_whole = self._size <= self._most
        if not self.answer.done():
            self.answer.set_result(Answer(self._status, self._headers, b"".join(self._parts), is_whole))

    def on_failure(self, error: UpstreamError, *, stale: bool) -> None:  # noqa: ARG002 (the connection is new)
        self._upstream = None
        self._fail(error)

    def pause_sending(self) -> None:
        """The body is short, and in memory anyway."""

    def resume_sending(self) -> None:
        """See `pause_sending`."""

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


async def _collected(body: bytes | Parts, most: int) -> tuple[bytes, bool]:
    """The bytes of a body, and whether that is all of it. A longer body is not kept at all."""
    if isinstance(body, bytes):
        return (body, True) if len(body) <= most else (b"", False)
    if len(body) > most:
        await body.parts.aclose()
        return b"", False
    return await _joined(body.parts), True


async def _joined(parts: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([part async for part in parts])
