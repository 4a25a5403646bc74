"""One transaction in which several calls of a store are made, for every engine that has one writer.

It is one job of the writer, which stays open and does what it is handed, in the writer's thread. Other writers wait
meanwhile, so it has an end.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar, cast

from moorage.crm.storage.contract.records import ChangesMetadata, RecordStore, TookTooLong, Transaction

T = TypeVar("T")
Tx = TypeVar("Tx", bound=Transaction)


class Within(Protocol[Tx]):
    """What an engine does within an open transaction."""

    def attempt(self, transaction: Tx, work: Callable[[Tx], T]) -> T:
        """Do work so that an error undoes this work only. Errors are raised as the contract has them."""

    def reading(self, transaction: Tx) -> Any:
        """A store whose reads see what the transaction has written. Its awaitables never wait."""


async def together(
    submit: Callable[[Callable[[Tx], None]], Awaitable[None]],
    within: Within[Tx],
    work: Callable[[RecordStore], Awaitable[T]],
    seconds: float,
) -> T:
    """`RecordStore.together` for an engine. `submit` gives the writer a job that nothing else is committed with."""
    job: _OpenJob[Tx] = _OpenJob(within, seconds)
    done = asyncio.ensure_future(submit(job.run))
    try:
        await job.begun(done)
        result = await work(cast("RecordStore", _OpenStore(job)))
    except BaseException:
        job.end(keep=False)
        # Nothing may go on before the transaction is undone. Who waits may be cancelled meanwhile.
        with contextlib.suppress(_Undone, TookTooLong):
            await asyncio.shield(done)
        raise
    job.end(keep=True)
    await done
    return result


class _Undone(Exception):
    """The work that was done together is to be undone."""


class _OpenJob(Generic[Tx]):
    def __init__(self, within: Within[Tx], seconds: float) -> None:
        self._within = within
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._works: queue.SimpleQueue[_Work[Tx] | None] = queue.SimpleQueue()
        self._keeps = False
        self._is_over = False
        self._lock = threading.Lock()

    # In the event loop

    async def begun(self, done: "asyncio.Future[None]") -> None:
        """Wait for the writer's turn. Raises what ends the job before it begins."""
        await asyncio.wait({self._begun, done}, return_when=asyncio.FIRST_COMPLETED)
        if not self._begun.done():
            await done

    async def do(self, run: Callable[[Tx], T]) -> T:
        """Do a piece of work in the transaction. Raises TookTooLong once it is over."""
        future: asyncio.Future[T] = self._loop.create_future()
        with self._lock:
            if self._is_over:
                raise TookTooLong
            self._works.put(_Work(run, future))
        return await future

    async def read(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call a read of a store, such as `page` or `files.find`."""

        def run(transaction: Tx) -> Any:
            return _finished(attrgetter(name)(self._within.reading(transaction))(*arguments, **named))

        return await self.do(run)

    def end(self, *, keep: bool) -> None:
        self._keeps = keep
        self._works.put(None)

    # In the writer's thread

    def run(self, transaction: Tx) -> None:
        end = time.monotonic() + self._seconds
        self._tell(self._begun, None, None)
        try:
            while (work := self._next(end)) is not None:
                self._attempt(transaction, work)
        finally:
            self._refuse_more()
        if not self._keeps:
            raise _Undone

    def _next(self, end: float) -> "_Work[Tx] | None":
        try:
            return self._works.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise TookTooLong from None

    def _attempt(self, transaction: Tx, work: "_Work[Tx]") -> None:
        try:
            result = self._within.attempt(transaction, work.run)
        except Exception as error:  # noqa: BLE001 - whoever handed the work over is told
            self._tell(work.future, None, error)
        else:
            self._tell(work.future, result, None)

    def _refuse_more(self) -> None:
        with self._lock:
            self._is_over = True
        while not self._works.empty():
            work = self._works.get()
            if work is not None:
                self._tell(work.future, None, TookTooLong())

    def _tell(self, future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
        def deliver() -> None:
            if not future.done():
                future.set_result(result) if error is None else future.set_exception(error)

        with contextlib.suppress(RuntimeError):  # The loop is closed, so nobody waits any more.
            self._loop.call_soon_threadsafe(deliver)


class _Work(Generic[Tx]):
    def __init__(self, run: Callable[[Tx], Any], future: "asyncio.Future[Any]") -> None:
        self.run = run
        self.future = future


class _Reads:
    """Reads in an open transaction. They are passed on by their names: a new one needs nothing here."""

    def __init__(self, job: _OpenJob[Any], prefix: str = "") -> None:
        self._job = job
        self._prefix = prefix

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **named: self._job.read(f"{self._prefix}{name}", arguments, named)


class _FileReads(_Reads):
    """`FileReads`. The parts of a file are read without a transaction, so they can't be read here."""

    async def parts(self, _content: int) -> AsyncGenerator[bytes, None]:
        nothing: tuple[bytes, ...] = ()
        for part in nothing:
            yield part


class _OpenStore(_Reads):
    """A `RecordStore` whose calls are made in an open transaction."""

    closed = False
    confirm = None

    @property
    def files(self) -> _FileReads:
        return _FileReads(self._job, "files.")

    def write(self, job: Callable[[Transaction], T], *, lasting: bool = True) -> Awaitable[T]:  # noqa: ARG002
        return self._job.do(job)

    async def change_metadata(self, _: Callable[..., T]) -> T:
        raise ChangesMetadata

    async def together(self, work: Callable[[RecordStore], Awaitable[T]], seconds: float) -> T:  # noqa: ARG002
        """Work within the same transaction, whose end counts."""
        return await work(cast("RecordStore", self))


class Ready(Generic[T]):
    """An awaitable that never waits."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Any:
        return self._value
        yield


def _finished(result: Any) -> Any:
    """The value of an awaitable that does not wait; any other value is given back."""
    if not isinstance(result, Awaitable):
        return result
    steps = result.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise RuntimeError("A read within a transaction has to wait.")
