"""A claimed request and its answer, as the protocol calls on them."""

from collections.abc import Callable

from moorage.http.head import Head
from moorage.http.message import Response


class Exchange:
    """A claimed request and its answer. It ends by `respond` or `done` of the protocol, or when the client goes."""

    __slots__ = ()

    def start(self) -> None:
        """The head is there; `on_body` and `on_end` follow."""

    def on_body(self, part: bytes) -> None:
        """The next part of the request's body."""

    def on_read(self) -> None:
        """What has arrived so far was given to `on_body`; more of the body is to come."""

    def on_end(self) -> None:
        """The request is whole."""

    def on_gone(self) -> None:
        """Nobody waits for the answer any more."""

    def on_stopping(self) -> None:
        """The server is about to stop; what is under way has some seconds to end."""

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""

    def resume_writing(self) -> None:
        """The client has caught up."""


class Waiting(Exchange):
    """A request that arrived before an earlier one was answered."""

    __slots__ = ("body", "head", "whole")

    def __init__(self, head: Head) -> None:
        self.head = head
        self.body = bytearray()
        self.whole = False

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_end(self) -> None:
        self.whole = True


class Refused(Exchange):
    """An answer that waits for the end of a short body."""

    __slots__ = ("_respond", "_response")

    def __init__(self, respond: Callable[[Response], None], response: Response) -> None:
        self._respond = respond
        self._response = response

    def on_end(self) -> None:
        self._respond(self._response)


IGNORED = Exchange()  # Takes what nobody reads.
