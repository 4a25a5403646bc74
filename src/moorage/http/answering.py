"""Lets one function answer whole requests, without ASGI."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.http.bodies import IN_MEMORY, MAX_HELD_OF_STRANGERS, Admission, Allowance, Body, Budget
from moorage.http.direct import DirectProtocol
from moorage.http.errors import internal
from moorage.http.exchange import Exchange
from moorage.http.head import SAFE, Head
from moorage.http.message import Request, Response

if TYPE_CHECKING:
    import asyncio

# Returns the response, or an awaitable if it has to wait for something.
Answer: TypeAlias = Callable[[Request], Response | Awaitable[Response]]

# Gets a request before its body is read. Returns an awaitable if it has to wait for something.
Admit: TypeAlias = Callable[[Request], Admission | Awaitable[Admission]]

# For the part of a body that arrives before the door has decided. It is short, as nothing more is read meanwhile.
_NOT_ADMITTED = Allowance(IN_MEMORY, Budget(MAX_HELD_OF_STRANGERS))

# Makes a response from an error of the HTTP layer and a request id, in the error shape of the origin.
RenderError: TypeAlias = Callable[[MoorageError, str], Response]


class Door(msgspec.Struct, frozen=True):
    """Answers whole requests. `admit` is called first for requests with a body, before the body is read."""

    answer: Answer
    admit: Admit


def answering(door: Door, *, render_error: RenderError) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting. It sends all requests to one door."""

    class AnsweringProtocol(DirectProtocol):
        def claim(self, head: Head) -> Exchange:
            return CollectedRequest(self, head, door)

        def render_error(self, error: MoorageError, request_id: str, exchange: Exchange | None) -> Response:  # noqa: ARG002
            return render_error(error, request_id)

    return AnsweringProtocol


class DoorExchange(Exchange):
    """A request to a door. The door admits it by its head; its body is collected; then the door answers it.

    Subclasses call `_admit` and `_collect`, write the response, and set `_complete`.
    """

    __slots__ = ("_body", "_complete", "_door", "_protocol", "_task", "head")

    _door: Door
    _protocol: DirectProtocol
    head: Head
    _body: Body | None  # The part of the body that has arrived.
    _complete: bool  # True if the whole request has arrived.
    _task: "asyncio.Task[None] | None"  # The task that waits for the disk or for the door.

    @abstractmethod
    def _whole_request(self) -> Request:
        """The request with its body, for the door."""

    @abstractmethod
    def _give(self, response: Response) -> None:
        """Pass on the response of the door."""

    @abstractmethod
    def _refuse(self, error: MoorageError) -> None:
        """Respond with an error of Moorage, if the client still waits."""

    @abstractmethod
    def _fail(self, error: Exception) -> None:
        """Log an unexpected error, and respond with it."""

    @abstractmethod
    def _refuse_with(self, response: Response) -> None:
        """Send the response of a door that refuses the request."""

    @abstractmethod
    def _begin_body(self) -> None:
        """Continue with the body, which the door has admitted."""

    def _admit(self, request: Request) -> None:
        """Ask the door about the head. Calls `_begin_body`, `_refuse_with` or `_refuse`, now or later."""
        admission = self._door.admit(request)
        if isinstance(admission, Allowance | Response):
            self._take(admission)
        else:
            if self._body is None:
                self._body = Body(_NOT_ADMITTED)
            self._protocol.flow.pause_reading()
            self._task = self._protocol.start_task(self._admit_later(admission))

    async def _admit_later(self, admission: Awaitable[Admission]) -> None:
        try:
            admitted = await admission
            self._task = None
            if self._protocol.is_current(self) and self._take(admitted):
                self._protocol.resume_reading()
                self._collect()
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told and the log has it)
            self._fail(error)

    def _take(self, admission: Admission) -> bool:
        """True if the door has admitted the body."""
        if isinstance(admission, Response):
            self._refuse_with(admission)
            return False
        try:
            if self.head.block.length > admission.max_body:
                admission.require(self.head.block.length)
            if self._body is None:
                self._body = Body(admission)
            else:
                self._body.move(admission)
        except MoorageError as error:
            self._body = None
            self._refuse(error)
            return False
        self._begin_body()
        return True

    def _collect(self) -> None:
        """Continue after a part of the request has arrived: write a long body to disk, and ask the door at the end."""
        body = self._body
        if self._task is not None:
            return  # The task calls this again at its end.
        if body is not None and body.size > IN_MEMORY and body.must_spool(complete=self._complete):
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
        except Exception as error:  # noqa: BLE001 (`_fail` logs it and responds)
            self._fail(error)

    async def _wait(self, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
            self._task = None
            if self._protocol.is_current(self):
                self._give(response)
            if isinstance(response.body, bytes):
                self._close_body()
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail(error)
            self._close_body()

    def _close_body(self) -> None:
        """Close the body, unless the exchange goes on: then the door may be asked a second time."""
        if self._body is not None and not self._protocol.is_current(self):
            self._body.close()

    def on_gone(self) -> None:
        if self._task is not None and self.head.method in SAFE:
            self._task.cancel()


class CollectedRequest(DoorExchange):
    """A request to an origin whose requests all go to one door."""

    __slots__ = ()

    def __init__(self, protocol: DirectProtocol, head: Head, door: Door) -> None:
        self._protocol = protocol
        self.head = head
        self._door = door
        self._body = None
        self._complete = False
        self._task = None

    def start(self) -> None:
        if self.head.has_body:
            self._admit(self._whole_request())

    def _begin_body(self) -> None:
        self._protocol.want_body()

    def on_body(self, part: bytes) -> None:
        if self._body is None:
            return  # It was refused.
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
        head, protocol = self.head, self._protocol
        path, _, query = head.target.partition(b"?")
        body = b"" if self._body is None else self._body.contents()
        scheme, client = protocol.scheme or "http", (protocol.client or ("",))[0]
        return Request(
            head.method.decode(), path, query, head.block.lowered, body, scheme, head.version, client
        )

    def _give(self, response: Response) -> None:
        self._protocol.respond(response)

    def _refuse_with(self, response: Response) -> None:
        self._body = None
        self._protocol.refuse(response)

    def _refuse(self, error: MoorageError) -> None:
        if self._protocol.is_current(self):
            self._protocol.refuse(self._protocol.answer_to(error, self))

    def _fail(self, error: Exception) -> None:
        failure = self._protocol.answer_to(internal(error), self)
        if self._protocol.is_current(self):
            self._protocol.respond(failure)
