"""What goes on beside the calls: loops without an end, each under a name."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog

_PAUSE = 1.0  # Seconds before a loop that failed goes on.

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """`run` never ends by itself. `name` is the room's and what it does there, as in `keys.note_uses`."""

    name: str
    run: Callable[[], Awaitable[None]]


class Background:
    """Runs loops from `start` to `close`, in the running event loop."""

    def __init__(self, loops: Iterable[Loop], *, pause: float = _PAUSE) -> None:
        self._loops = tuple(loops)
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(loop), name=loop.name) for loop in self._loops]

    async def close(self) -> None:
        """Stop all of them, and wait until they have."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, loop: Loop) -> None:
        """Go on whatever happens: what isn't noticed would be served for ever."""
        while True:
            try:
                await loop.run()
            except Exception as error:  # noqa: BLE001 (whatever it is, the next try may succeed)
                # Once a second, a line is enough.
                log.error("background.failed", loop=loop.name, reason=str(error))  # noqa: TRY400
                await asyncio.sleep(self._pause)
