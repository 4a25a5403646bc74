"""The interface between the protocol and a claimed request."""

from collections.abc import Callable

from moorage.http.head import Head
from moorage.http.message import Response


class Exchange:
    """A claimed request and its answer. It ends with `respond` or `done` of the protocol, or when the client goes."""

    __slots__ = ()

    def start(self) -> None:
        """The head has arrived. `on_body` and `on_end` follow."""

    def on_body(self, part: bytes) -> None:
        """The next part of the body has arrived."""

    def on_read(self) -> None:
        """`on_body` got all bytes that have arrived so far. The body is not complete."""

    def on_end(self) -> None:
        """The request is complete."""

    def on_gone(self) -> None:
        """The client has gone."""

    def on_stopping(self) -> None:
        """The server is stopping. The exchange has some seconds to end."""

    def pause_writing(self) -> None:
        """The client reads more slowly than the exchange writes."""

    def resume_writing(self) -> None:
        """The client has room again."""


class QueuedRequest(Exchange):
    """A request that arrived before an earlier request was answered."""

    __slots__ = ("body", "head", "whole")

    def __init__(self, head: Head) -> None:
        self.head = head
        self.body = bytearray()
        self.whole = False

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_end(self) -> None:
        self.whole = True


class DelayedAnswer(Exchange):
    """An answer that is sent at the end of a short body."""

    __slots__ = ("_respond", "_response")

    def __init__(self, respond: Callable[[Response], None], response: Response) -> None:
        self._respond = respond
        self._response = response

    def on_end(self) -> None:
        self._respond(self._response)


IGNORED = Exchange()  # Takes the rest of a body that is not needed.
