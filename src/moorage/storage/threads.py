"""Threads with a database connection each, so that the event loop never waits for a disk.

A thread does its jobs in their order. So the transaction of a cancelled caller is rolled back after its last statement
and before the first statement of the next transaction, and no code has to wait for that.
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
    """A thread and its connection, which the first job opens."""

    def __init__(self, engine: sa.Engine, has_ended: Callable[[sa.Connection], bool], name: str) -> None:
        self._engine = engine
        self._has_ended = has_ended
        self._connection: sa.Connection | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.is_ended = False
        # A daemon, so that the end of the process does not wait for it.
        Thread(target=self._run, name=name, daemon=True).start()

    def run(self, work: Callable[[sa.Connection], T]) -> "asyncio.Future[T]":
        """Run a function in the thread. The future gets its result or error. It runs even if no caller waits for it."""
        return self._put(lambda: work(self._opened()))

    def roll_back(self) -> None:
        """Roll back after the jobs so far. There is no future to wait for."""
        self._jobs.put(self._roll_back)

    def end(self) -> "asyncio.Future[None]":
        """Close the connection after the jobs so far, and end the thread."""
        self.is_ended = True
        closed = self._put(self._close)
        self._jobs.put(None)
        return closed

    def _put(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            settle: Callable[[asyncio.Future[T], Any], None] = _set_result
            outcome: Any
            try:
                outcome = work()
            except BaseException as error:  # noqa: BLE001 (the future raises it where it is awaited)
                settle, outcome = _set_error, error
            with contextlib.suppress(RuntimeError):  # The loop may have been closed.
                loop.call_soon_threadsafe(settle, future, outcome)

        self._jobs.put(job)
        return future

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # Frees its result, because the next job may come much later.

    def _opened(self) -> sa.Connection:
        connection = self._connection
        # A server that was started again has closed the connection. No call should fail for that.
        if connection is not None and not connection.in_transaction() and self._has_ended(connection):
            self._close()
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rollback()
        except Exception:  # noqa: BLE001 (closing the connection rolls back, too)
            self._close()  # The next transaction gets another connection.

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()


class ConnectionThreads:
    """A pool of at most `size` threads. Each is lent to one transaction at a time.

    `has_ended` is that of the engine's `Backend`. It is for one event loop at a time. There are no threads before the
    first transaction and after `close`.
    """

    def __init__(
        self, engine: sa.Engine, has_ended: Callable[[sa.Connection], bool], size: int, name: str
    ) -> None:
        self._engine = engine
        self._has_ended = has_ended
        self._size = size
        self._name = name
        self._all: set[ConnectionThread] = set()
        self._idle: list[ConnectionThread] = []
        self._waiting: deque[asyncio.Future[ConnectionThread]] = deque()

    async def take(self, patience: float) -> ConnectionThread:
        """Borrow a thread. Callers wait in their order. Raises TimeoutError after `patience` seconds."""
        if self._idle:
            return self._idle.pop()
        if len(self._all) < self._size:
            thread = ConnectionThread(self._engine, self._has_ended, f"{self._name}-{len(self._all)}")
            self._all.add(thread)
            return thread
        turn: asyncio.Future[ConnectionThread] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(patience):
                return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.give_back(turn.result())  # The thread became free in the moment of the cancellation.
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
        """End all threads. Waits for the idle ones; those that are lent end after their jobs."""
        closed = {thread: thread.end() for thread in self._all}
        closed_idle = [closed[thread] for thread in self._idle]
        self._all.clear()
        self._idle.clear()
        if closed_idle:
            await asyncio.wait(closed_idle)


def _set_result(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _set_error(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
