"""An origin that one function answers: whole requests in, whole responses out, without ASGI between them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.http.direct import DirectProtocol
from moorage.http.errors import BodyTooLarge, internal
from moorage.http.exchange import Exchange
from moorage.http.head import READING, Head
from moorage.http.message import Request, Response

if TYPE_CHECKING:
    import asyncio

# Gives its response at once, or something to await where that takes waiting.
Answer: TypeAlias = Callable[[Request], Response | Awaitable[Response]]

# Words an error of the HTTP layer, given the id under which it may be logged, as the origin's clients can read it.
Word: TypeAlias = Callable[[MoorageError, str], Response]


def answering(answer: Answer, *, max_body: int, word: Word) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting. Bodies of more than `max_body` bytes are refused."""

    class AnsweringProtocol(DirectProtocol):
        def claim(self, head: Head) -> Exchange:
            return Question(self, head, answer, max_body)

        def word(self, error: MoorageError, request_id: str) -> Response:
            return word(error, request_id)

    return AnsweringProtocol


class Question(Exchange):
    """A request that is collected whole and then answered."""

    __slots__ = ("_answer", "_head", "_max_body", "_parts", "_protocol", "_size", "_task")

    def __init__(self, protocol: DirectProtocol, head: Head, answer: Answer, max_body: int) -> None:
        self._protocol = protocol
        self._head = head
        self._answer = answer
        self._max_body = max_body
        self._parts: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._head.lines.length > self._max_body:
            self._refuse()
        else:
            self._protocol.want_body()

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._max_body:
            self._parts.append(part)
        else:
            self._refuse()

    def _refuse(self) -> None:
        self._parts.clear()
        error = BodyTooLarge(f"The body is larger than {self._max_body} bytes.", help="Send a smaller one.")
        self._protocol.refuse(self._protocol.answer_to(error))

    def on_end(self) -> None:
        head = self._head
        path, _, query = head.target.partition(b"?")
        request = Request(
            head.method.decode(),
            path,
            query,
            head.lines.lowered,
            b"".join(self._parts),
            self._protocol.scheme or "http",
            (self._protocol.client or ("",))[0],
        )
        answer = self._answer(request)
        if isinstance(answer, Response):
            self._protocol.respond(answer)
        else:
            self._task = self._protocol.start_task(self._respond_later(answer))

    def on_gone(self) -> None:
        if self._task is not None and self._head.method in READING:
            self._task.cancel()

    async def _respond_later(self, answer: Awaitable[Response]) -> None:
        protocol = self._protocol
        try:
            response = await answer
            if protocol.is_current(self):
                protocol.respond(response)
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told and the log has it)
            failure = protocol.answer_to(internal(error))
            if protocol.is_current(self):
                protocol.respond(failure)
