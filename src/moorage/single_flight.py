"""Does a piece of work once for several callers that need its result at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Callers with the same key share one run of the work. The run goes on if one of them is cancelled."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Future[T]] = {}

    async def do(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of the run that is under way for this key; if there is none, starts `work` and waits for it.

        Raises the errors of the work.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(work())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._settle(key, done))
        return await asyncio.shield(flight)

    def forget(self) -> None:
        """Let the next callers start new runs. Runs that are under way go on for the callers that wait for them."""
        self._flights.clear()

    def under_way(self) -> Collection[asyncio.Future[T]]:
        return list(self._flights.values())

    def _settle(self, key: Hashable, done: "asyncio.Future[T]") -> None:
        if self._flights.get(key) is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # Reads the error. If all callers were cancelled, asyncio would log it as never retrieved.
