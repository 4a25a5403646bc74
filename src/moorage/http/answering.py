"""An origin that one function answers: whole requests in, whole responses out, without ASGI between them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.http.bodies import Allowance, Body
from moorage.http.direct import DirectProtocol
from moorage.http.errors import BodyTooLarge, TooBusy, internal
from moorage.http.exchange import Exchange
from moorage.http.head import READING, Head
from moorage.http.message import Request, Response

if TYPE_CHECKING:
    import asyncio

# Gives its response at once, or something to await where that takes waiting.
Answer: TypeAlias = Callable[[Request], Response | Awaitable[Response]]

# Looks at a request before its body is read, of which it has none yet: how long the body may be, or the answer to a
# caller who can spare the sending of it.
Admit: TypeAlias = Callable[[Request], Allowance | Response]

# Words an error of the HTTP layer, given the id under which it may be logged, as the origin's clients can read it.
Word: TypeAlias = Callable[[MoorageError, str], Response]


def answering(answer: Answer, *, admit: Admit, word: Word) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting."""

    class AnsweringProtocol(DirectProtocol):
        def claim(self, head: Head) -> Exchange:
            return Question(self, head, answer, admit)

        def word(self, error: MoorageError, request_id: str) -> Response:
            return word(error, request_id)

    return AnsweringProtocol


class Question(Exchange):
    """A request that is collected whole and then answered."""

    __slots__ = ("_admit", "_answer", "_body", "_head", "_max_body", "_protocol", "_task")

    def __init__(self, protocol: DirectProtocol, head: Head, answer: Answer, admit: Admit) -> None:
        self._protocol = protocol
        self._head = head
        self._answer = answer
        self._admit = admit
        self._max_body = 0
        self._body: Body | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._head.has_body:
            self._begin_body()

    def _begin_body(self) -> None:
        admitted = self._admit(self._request(b""))
        if isinstance(admitted, Response):
            self._protocol.refuse(admitted)
            return
        self._max_body = admitted.max_body
        if self._head.lines.length > admitted.max_body:
            self._refuse(self._too_large())
            return
        self._body = Body(admitted.budget)
        self._protocol.want_body()

    def on_body(self, part: bytes) -> None:
        body = self._body
        assert body is not None
        if body.size + len(part) > self._max_body:
            self._refuse(self._too_large())
            return
        try:
            body.add(part)
        except TooBusy as error:
            self._refuse(error)

    def _refuse(self, error: MoorageError) -> None:
        self._body = None
        self._protocol.refuse(self._protocol.answer_to(error))

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body is larger than {self._max_body} bytes.", help="Send a smaller one.")

    def _request(self, body: bytes) -> Request:
        head = self._head
        path, _, query = head.target.partition(b"?")
        scheme, client = self._protocol.scheme or "http", (self._protocol.client or ("",))[0]
        return Request(
            head.method.decode(), path, query, head.lines.lowered, body, scheme, head.version, client
        )

    def on_end(self) -> None:
        body = self._body
        answer = self._answer(self._request(b"" if body is None else body.whole()))
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
