"""What uvicorn's ASGI side is shown of a connection that is shared with it."""

import asyncio
from collections.abc import Callable

from moorage.http.head import Head


class Gentle:
    """The transport as an ASGI answer sees it: `close` lets a client read the answer that is still sending."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close


class Parsed:
    """Stands for the parser at the end of a head."""

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
