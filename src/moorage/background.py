"""Background work of a server: endless loops, each with a name."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from moorage.logs import Log

_PAUSE = 1.0  # Seconds from the failure of a loop to its next start.

log = Log(__name__)


class Loop(msgspec.Struct, frozen=True):
    """A background loop. `run` never ends by itself. `name` is the room and the work, as in `keys.note_uses`."""

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
        """Stop all loops, and wait until they have stopped."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, loop: Loop) -> None:
        """Start the loop again after every error, because a server without its loops would serve outdated data."""
        while True:
            try:
                await loop.run()
            except Exception as error:  # noqa: BLE001 (whatever the error is, the next try may succeed)
                # This may happen once a second, so it logs no traceback.
                log.error("background.failed", loop=loop.name, reason=str(error))  # noqa: TRY400
                await asyncio.sleep(self._pause)
