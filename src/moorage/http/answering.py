"""An origin that one function answers: whole requests in, whole responses out, without ASGI between them."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.http.direct import DirectProtocol, Exchange
from moorage.http.errors import BodyTooLarge, internal, render
from moorage.http.head import Head
from moorage.http.message import Request, Response
from moorage.ids import new_request_id

# Gives its response at once, or something to await where that takes waiting.
Answer: TypeAlias = Callable[[Request], Response | Awaitable[Response]]

log = structlog.get_logger(__name__)


def answering(answer: Answer, *, max_body: int) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting. Bodies of more than `max_body` bytes are refused with 413."""

    class AnsweringProtocol(DirectProtocol):
        def claim(self, head: Head) -> Exchange:
            return Question(self, head, answer, max_body)

    return AnsweringProtocol


class Question(Exchange):
    """A request that is collected whole and then answered."""

    __slots__ = ("_answer", "_head", "_max_body", "_parts", "_protocol", "_size")

    def __init__(self, protocol: DirectProtocol, head: Head, answer: Answer, max_body: int) -> None:
        self._protocol = protocol
        self._head = head
        self._answer = answer
        self._max_body = max_body
        self._parts: list[bytes] = []
        self._size = 0

    def start(self) -> None:
        self._protocol.want_body()

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._max_body:
            self._parts.append(part)
            return
        self._parts.clear()
        error = BodyTooLarge(f"The body is larger than {self._max_body} bytes.", help="Send a smaller one.")
        self._protocol.refuse(render(error, new_request_id()))

    def on_end(self) -> None:
        head = self._head
        path, _, query = head.target.partition(b"?")
        request = Request(
            head.method.decode(),
            path,
            query,
            [(name.lower(), value) for name, value in head.headers],
            b"".join(self._parts),
            self._protocol.scheme or "http",
        )
        answer = self._answer(request)
        if isinstance(answer, Response):
            self._protocol.respond(answer)
        else:
            self._protocol.start_task(self._respond_later(answer))

    async def _respond_later(self, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
        except Exception:
            log.exception("http.failed", method=self._head.method.decode())
            response = render(internal(), new_request_id())
        if self._protocol.is_current(self):
            self._protocol.respond(response)
