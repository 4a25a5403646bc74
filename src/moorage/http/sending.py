"""Answers that are sent in parts."""

from contextlib import aclosing
from typing import TYPE_CHECKING

from moorage.http.exchange import Exchange
from moorage.http.message import Parts
from moorage.logs import Log

if TYPE_CHECKING:
    import asyncio

    from moorage.http.direct import DirectProtocol

log = Log(__name__)


class StreamedAnswer(Exchange):
    """An answer whose head is written. It writes each part when the client has room for it.

    It ends when the client goes. After an error, or if the parts have another length than announced, it breaks the
    connection off.
    """

    __slots__ = ("_protocol", "_task")

    def __init__(self, protocol: "DirectProtocol", parts: Parts) -> None:
        self._protocol = protocol
        self._task: asyncio.Task[None] = protocol.start_task(self._send(parts))

    def on_gone(self) -> None:
        self._task.cancel()

    async def _send(self, parts: Parts) -> None:
        try:
            await self._write(parts)
        except Exception:
            log.exception("http.answer_broken_off")
            self._protocol.break_off()
        else:
            self._protocol.done()

    async def _write(self, parts: Parts) -> None:
        left = len(parts)
        async with aclosing(parts.parts) as pieces:
            async for part in pieces:
                left -= len(part)
                if left < 0:
                    break
                await self._protocol.write_part(part)
        if left:
            raise ValueError(
                f"an answer is {abs(left)} bytes {'shorter' if left > 0 else 'longer'} than its Content-Length"
            )
