"""The ASGI side of a connection: an ASGI application answers the requests that no exchange claims."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import cast

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.http.errors import PathInvalid
from moorage.http.head import Head, require_short_path


class AsgiSide(HttpToolsProtocol):
    """uvicorn's own protocol. It gets requests that are parsed already."""

    _head: Head  # The head of the request that is being answered.

    @abstractmethod
    def close(self) -> None:
        """Close the connection so that a client that is still sending can read the response."""

    def _hand_to_asgi(self, head: Head) -> None:
        """Let the application answer a request. Raises PathInvalid."""
        require_short_path(head.target)
        # The parser may be reading the head of a later request. These hold its parts, so they are put back at the end.
        parsing = self.parser, self.url, self.headers
        super().on_message_begin()
        self.url = head.target
        for name, value in head.headers:
            super().on_header(name, value)
        self.parser = cast("httptools.HttpRequestParser", ParsedHead(head))
        try:
            super().on_headers_complete()
        except (httptools.HttpParserError, ValueError):
            raise PathInvalid("The path can't be read.", help="Percent-encode what isn't ASCII.") from None
        finally:
            self.parser, self.url, self.headers = parsing
        # If a long body has not arrived when the response begins, the connection ends after it, as in `DirectProtocol`.
        self._keep_after_asgi(keep=head.keep_alive and head.has_short_body())
        self.cycle.waiting_for_100_continue = head.expects_continue()
        self.cycle.transport = cast("asyncio.Transport", LingeringTransport(self.transport, self.close))

    def _pass_to_asgi(self, body: bytes) -> None:
        """Pass the next part of the body to the application."""
        super().on_body(body)

    def _end_to_asgi(self, *, keep: bool) -> None:
        """Tell the application that the request is complete.

        `keep` says if the connection goes on after the response. It has no effect once the response has begun.
        """
        if not self.cycle.response_started:
            self._keep_after_asgi(keep=keep)
        super().on_message_complete()

    def _keep_after_asgi(self, *, keep: bool) -> None:
        self.cycle.keep_alive = keep
        if self._head.version == "1.0":
            always = self.server_state.default_headers
            self.cycle.default_headers = [*always, (b"connection", b"keep-alive")] if keep else always


async def no_application(scope: Scope, _receive: Receive, _send: Send) -> None:
    """The application of an origin whose exchanges claim all requests."""
    raise RuntimeError(f"no exchange claimed a request of the kind {scope['type']}")


class LingeringTransport:
    """The transport for an ASGI response. Its `close` lets a client that is still sending read the response."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close


class ParsedHead:
    """A head in the role of uvicorn's parser, which has just parsed it."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def get_method(self) -> bytes:
        return self._head.method

    def get_http_version(self) -> str:
        return self._head.version

    def should_keep_alive(self) -> bool:
        return self._head.keep_alive

    def should_upgrade(self) -> bool:
        return False
