"""Does work once for several callers that want it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Callers that give the same key at the same time share one result, even if one of them goes away."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Future[T]] = {}

    async def do(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of the running work for the key, or of this work if none runs. Raises the errors of the work."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(work())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._settle(key, done))
        return await asyncio.shield(flight)

    def forget(self) -> None:
        """Let new callers begin new work. Running work goes on for those who wait for it."""
        self._flights.clear()

    def under_way(self) -> Collection[asyncio.Future[T]]:
        return list(self._flights.values())

    def _settle(self, key: Hashable, done: "asyncio.Future[T]") -> None:
        if self._flights.get(key) is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # All callers may have gone. Then asyncio would complain that nobody has read the error.
