"""Requests that one function answers: whole requests in, responses out, without ASGI between them."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.http.bodies import IN_MEMORY, Allowance, Body
from moorage.http.direct import DirectProtocol
from moorage.http.errors import internal
from moorage.http.exchange import Exchange
from moorage.http.head import SAFE, Head
from moorage.http.message import Request, Response

if TYPE_CHECKING:
    import asyncio

# Gives its response at once, or something to await where that takes waiting.
Answer: TypeAlias = Callable[[Request], Response | Awaitable[Response]]

# Looks at a request before its body is read, of which it has none yet: how long the body may be, or the answer to a
# caller who can spare the sending of it.
Admit: TypeAlias = Callable[[Request], Allowance | Response]

# Words an error of the HTTP layer, given the id under which it may be logged, as the origin's clients can read it.
RenderError: TypeAlias = Callable[[MoorageError, str], Response]


@dataclass(frozen=True, slots=True)
class Door:
    """Where whole requests are answered: `admit` is asked about those that have a body, before it is read."""

    answer: Answer
    admit: Admit


def answering(door: Door, *, render_error: RenderError) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting, whose requests all go to one door."""

    class AnsweringProtocol(DirectProtocol):
        def claim(self, head: Head) -> Exchange:
            return CollectedRequest(self, head, door)

        def render_error(self, error: MoorageError, request_id: str, exchange: Exchange | None) -> Response:  # noqa: ARG002
            return render_error(error, request_id)

    return AnsweringProtocol


class Visit(Exchange):
    """A request at a door: admitted by its head, collected in memory or on disk, and answered once it is whole.

    Subclasses say when it begins, and what becomes of the response. `_complete` is theirs to set.
    """

    __slots__ = ("_body", "_complete", "_door", "_head", "_protocol", "_task")

    _door: Door
    _protocol: DirectProtocol
    _head: Head
    _body: Body | None  # What has come of the body.
    _complete: bool  # Whether the request has come to its end.
    _task: "asyncio.Task[None] | None"  # What the visit waits for: the disk, or the door.

    @abstractmethod
    def _whole_request(self) -> Request:
        """What the door is asked, now that all of it is there."""

    @abstractmethod
    def _give(self, response: Response) -> None:
        """Pass on what the door answered."""

    @abstractmethod
    def _refuse(self, error: MoorageError) -> None:
        """Answer with an error of ours, if somebody still waits."""

    @abstractmethod
    def _fail(self, error: Exception) -> None:
        """Answer and log what nobody foresaw."""

    def _admit(self, request: Request) -> Response | None:
        """Have the door look at the head; what it answers to a caller whose body is not wanted. Raises BodyTooLarge."""
        allowance = self._door.admit(request)
        if isinstance(allowance, Response):
            return allowance
        if self._head.lines.length > allowance.max_body:
            allowance.require(self._head.lines.length)
        if self._body is None:
            self._body = Body(allowance)
        else:
            self._body.move(allowance)
        return None

    def _collect(self) -> None:
        """Go on with what has come: put it away where it is much, and ask once it is all."""
        body = self._body
        if self._task is not None:
            return  # This is called again when what is under way has ended.
        if body is not None and body.size > IN_MEMORY and body.is_due(complete=self._complete):
            if not self._complete:
                self._protocol.flow.pause_reading()
            self._task = self._protocol.start_task(self._spool(body))
        elif self._complete:
            answer = self._door.answer(self._whole_request())
            if isinstance(answer, Response):
                self._give(answer)
            else:
                self._task = self._protocol.start_task(self._wait(answer))

    async def _spool(self, body: Body) -> None:
        try:
            await body.spool()
            self._task = None
            if self._protocol.is_current(self):
                if not self._complete:
                    self._protocol.resume_reading()
                self._collect()
        except MoorageError as error:
            self._body = None
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told and the log has it)
            self._fail(error)

    async def _wait(self, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
            self._task = None
            if self._protocol.is_current(self):
                self._give(response)
            if isinstance(response.body, bytes):
                self._let_go()
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail(error)
            self._let_go()

    def _let_go(self) -> None:
        """Close the body, which nobody needs any more unless the door is to be asked again."""
        if self._body is not None and not self._protocol.is_current(self):
            self._body.close()

    def on_gone(self) -> None:
        if self._task is not None and self._head.method in SAFE:
            self._task.cancel()


class CollectedRequest(Visit):
    """A request to an origin that is all one door."""

    __slots__ = ()

    def __init__(self, protocol: DirectProtocol, head: Head, door: Door) -> None:
        self._protocol = protocol
        self._head = head
        self._door = door
        self._body = None
        self._complete = False
        self._task = None

    def start(self) -> None:
        if not self._head.has_body:
            return
        refused = self._admit(self._whole_request())
        if refused is not None:
            self._protocol.refuse(refused)
        else:
            self._protocol.want_body()

    def on_body(self, part: bytes) -> None:
        assert self._body is not None
        try:
            self._body.add(part)
        except MoorageError as error:
            self._body = None
            self._refuse(error)

    def on_read(self) -> None:
        self._collect()

    def on_end(self) -> None:
        self._complete = True
        self._collect()

    def _whole_request(self) -> Request:
        head, protocol = self._head, self._protocol
        path, _, query = head.target.partition(b"?")
        body = b"" if self._body is None else self._body.contents()
        scheme, client = protocol.scheme or "http", (protocol.client or ("",))[0]
        return Request(
            head.method.decode(), path, query, head.lines.lowered, body, scheme, head.version, client
        )

    def _give(self, response: Response) -> None:
        self._protocol.respond(response)

    def _refuse(self, error: MoorageError) -> None:
        if self._protocol.is_current(self):
            self._protocol.refuse(self._protocol.answer_to(error, self))

    def _fail(self, error: Exception) -> None:
        failure = self._protocol.answer_to(internal(error), self)
        if self._protocol.is_current(self):
            self._protocol.respond(failure)
