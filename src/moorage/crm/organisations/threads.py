"""Threads for work that waits, by server, so that one that does not answer holds up no other."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_its_end(work: Awaitable[T], stop: threading.Event) -> T:
    """What work in a thread gives, which looks at `stop` now and then.

    If the caller is cancelled, `stop` is set, and the work has ended before this raises CancelledError.
    """
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        raise


class ServerThreads:
    """Two threads for each server: one is for work on whole organisations, which takes long; meanwhile the other one
    opens organisations.
    """

    def __init__(self) -> None:
        self._threads: dict[str | None, ThreadPoolExecutor] = {}

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work in a thread for what belongs to no server, or to the only one."""
        return await self.run_for(None, work, *args, **kwargs)

    async def run_for(self, server: str | None, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if server not in self._threads:
            self._threads[server] = ThreadPoolExecutor(2, thread_name_prefix="crm-organisations")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads[server], partial(work, *args, **kwargs))

    def close(self) -> None:
        for threads in self._threads.values():
            threads.shutdown()
