"""Threads that each have a database connection of their own, for those who must not wait for a disk in the event loop.

What is asked of a thread is done in the order in which it was asked. So a transaction whose caller has gone is rolled
back after its last statement and before the next transaction's first, without anybody waiting for it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")


class ConnectionThread:
    """A thread and its connection, which is opened when something is first asked of it."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.is_ended = False
        # A process that is to end does not wait for it.
        Thread(target=self._run, name=name, daemon=True).start()

    def ask(self, work: Callable[[sa.Connection], T]) -> "asyncio.Future[T]":
        """Do some work in the thread; the future gets what it gives or raises. It is done even if nobody waits."""
        return self._put(lambda: work(self._opened()))

    def roll_back(self) -> None:
        """Undo, after all that was asked so far, what was not committed. Nobody waits for it."""
        self._jobs.put(self._roll_back)

    def end(self) -> "asyncio.Future[None]":
        """Close the connection after all that was asked so far, and end the thread."""
        self.is_ended = True
        ended = self._put(self._close)
        self._jobs.put(None)
        return ended

    def _put(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            settle: Callable[[asyncio.Future[T], Any], None] = _give
            outcome: Any
            try:
                outcome = work()
            except BaseException as error:  # noqa: BLE001 (whatever it is, it is raised where the work was asked for)
                settle, outcome = _fail, error
            with contextlib.suppress(RuntimeError):  # The loop may have been closed.
                loop.call_soon_threadsafe(settle, future, outcome)

        self._jobs.put(job)
        return future

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # It holds what it gave, and the next one may be long in coming.

    def _opened(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rollback()
        except Exception:  # noqa: BLE001 (whatever it is, what was not committed is undone by closing, too)
            self._close()  # The next transaction gets another one.

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()


class ConnectionThreads:
    """As many threads as are needed at the same time, `most` of them at most, each lent to one transaction at a time.

    For use in one event loop at a time. No thread is there before the first transaction, nor after `close`.
    """

    def __init__(self, engine: sa.Engine, most: int, name: str) -> None:
        self._engine = engine
        self._most = most
        self._name = name
        self._all: set[ConnectionThread] = set()
        self._idle: list[ConnectionThread] = []
        self._waiting: deque[asyncio.Future[ConnectionThread]] = deque()

    async def take(self, patience: float) -> ConnectionThread:
        """Whoever came first gets one first. Raises TimeoutError after so many seconds."""
        if self._idle:
            return self._idle.pop()
        if len(self._all) < self._most:
            thread = ConnectionThread(self._engine, f"{self._name}-{len(self._all)}")
            self._all.add(thread)
            return thread
        turn: asyncio.Future[ConnectionThread] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(patience):
                return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.give_back(turn.result())  # It came as its taker went.
            raise

    def give_back(self, thread: ConnectionThread) -> None:
        if thread.is_ended:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(thread)
                return
        self._idle.append(thread)

    async def close(self) -> None:
        """End them; those that are lent just now end after what was asked of them, and nobody waits for that."""
        ended = {thread: thread.end() for thread in self._all}
        waited = [ended[thread] for thread in self._idle]
        self._all.clear()
        self._idle.clear()
        if waited:
            await asyncio.wait(waited)


def _give(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
