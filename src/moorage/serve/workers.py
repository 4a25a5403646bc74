"""Several worker processes that share the listening sockets, and the parent process that keeps them running.

The parent has loaded all code, but has no event loop, no thread and no open database. So workers can be forks of the
parent. They share the memory of the loaded code, and start quickly.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.rooms import Urls
from moorage.serve.errors import WorkerFailed
from moorage.serve.process import DRAIN_SECONDS, STOPS, run, serve, stop_signals
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.metrics.shared import Place, Places

# Seconds from the end of a worker to its next start. The pause doubles with each end, up to the longest. It is the
# first pause again after a worker that lived for SETTLED_AFTER seconds.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
SETTLED_AFTER = 60.0

_fork = multiprocessing.get_context("fork")
_log = Log(__name__)


class Workers:
    """`count` worker processes. Each serves both origins."""

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        listeners: Sequence[socket.socket],
        *,
        count: int,
        places: "Places | None" = None,
    ) -> None:
        self._listeners = listeners
        self._drain_seconds = settings.stop_delay + DRAIN_SECONDS + 5
        # A pipe: each worker drains when its write end closes. Only this process holds that end, so no worker outlives
        # this process, even if it is killed.
        theirs, self._tie = _fork.Pipe(duplex=False)
        shared = settings, urls, listeners, (theirs, self._tie)
        self._workers = [_Worker(*shared, places, number) for number in range(count)]

    def serve(self, *, ready: Callable[[], None], at_once: Callable[[], None]) -> None:
        """Serve until a signal stops it. Calls `ready` when all workers answer, and `at_once` on a second signal.

        Raises WorkerFailed if a worker ends before it answers.
        """

        def kill() -> None:
            self._kill()
            at_once()

        gc.collect()
        # The collector writes to the objects that it visits. Then each worker would get its own copy of their memory.
        gc.freeze()
        with _stopped_by_signals(at_once=kill) as stop:
            try:
                for worker in self._workers:
                    worker.start()
                for worker in self._workers:
                    worker.until_ready()
                ready()
                self._keep_running(stop)
            finally:
                self._drain()

    def _keep_running(self, stop: Connection) -> None:
        while True:
            now = time.monotonic()
            pause = min(
                (worker.due - now for worker in self._workers if worker.due is not None), default=None
            )
            running = [worker.sentinel for worker in self._workers if worker.due is None]
            if stop in wait([stop, *running], pause if pause is None else max(pause, 0)):
                return
            for worker in self._workers:
                worker.keep_running()

    def _drain(self) -> None:
        # While the parent has the sockets open, they accept connections that no process answers.
        for listener in self._listeners:
            listener.close()
        self._tie.close()
        latest = time.monotonic() + self._drain_seconds
        for worker in self._workers:
            worker.join(latest - time.monotonic())
        self._kill()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.kill()


class _Worker:
    """A worker process and its successors. `due` is the time at which the next starts, or None while one runs."""

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        listeners: Sequence[socket.socket],
        tie: tuple[Connection, Connection],
        places: "Places | None",
        number: int,
    ) -> None:
        self._arguments = (settings, urls, listeners, tie, places, number)
        self._pause = FIRST_PAUSE
        self.due: float | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        self.due = None
        self._report, theirs = _fork.Pipe(duplex=False)
        self._process = _fork.Process(target=_work, args=(*self._arguments, theirs), daemon=True)
        # Until the worker has set its own handlers, a signal would run the handlers of this process.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        theirs.close()

    @property
    def sentinel(self) -> int:
        """Readable when the process has ended."""
        return self._process.sentinel

    def until_ready(self) -> None:
        """Wait until the worker answers. Raises WorkerFailed with the worker's message if it can't start."""
        try:
            failure: str = self._report.recv()
        except EOFError:
            failure = "it ended without a message"
        if failure:
            raise WorkerFailed(f"A worker process could not start: {failure}")

    def keep_running(self) -> None:
        """Start the worker if that is due. If the worker has ended, set the time of its next start."""
        now = time.monotonic()
        if self.due is not None:
            if self.due <= now:
                self.start()
        elif not self._process.is_alive():
            pause = FIRST_PAUSE if now - self._started > SETTLED_AFTER else self._pause
            pid, status = self._process.pid, self._process.exitcode
            _log.error("worker ended", worker=pid, status=status, again_after_seconds=pause)
            self._report.close()
            self._process.close()
            self.due, self._pause = now + pause, min(pause * 2, LONGEST_PAUSE)

    def join(self, seconds: float) -> None:
        if self._runs:
            self._process.join(max(seconds, 0))

    def kill(self) -> None:
        if self._runs:
            self._process.kill()

    @property
    def _runs(self) -> bool:
        return hasattr(self, "_process") and self.due is None


@contextlib.contextmanager
def _stopped_by_signals(*, at_once: Callable[[], None]) -> Iterator[Connection]:
    """A pipe that is readable after the first signal to stop.

    The second signal calls `at_once` and ends the process.
    """
    stop, sender = _fork.Pipe(duplex=False)

    def on_signal(number: int, _frame: object) -> None:
        if stop.poll():
            at_once()
            os._exit(128 + number)
        sender.send_bytes(b"stop")

    before = {number: signal.signal(number, on_signal) for number in stop_signals()}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _work(
    settings: Settings,
    urls: Urls,
    listeners: Sequence[socket.socket],
    tie: tuple[Connection, Connection],
    places: "Places | None",
    number: int,
    report: Connection,
) -> None:
    """The main function of a worker process. `report` gets an empty text when the worker is ready, or the error."""
    # Ctrl-C and a closed terminal send a signal to the whole process group. Only the parent reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    theirs, ours = tie
    ours.close()
    try:
        # Here and not in the parent, as it is about what the last worker with this number has left there.
        place = None if places is None else places.of(number)
        run(_serve_until_released(settings, urls, listeners, theirs, report, place))
    except MoorageError as error:
        report.send(error.message)
        raise SystemExit(1) from error


async def _serve_until_released(
    settings: Settings,
    urls: Urls,
    listeners: Sequence[socket.socket],
    tie: Connection,
    report: Connection,
    place: "Place | None",
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def release() -> None:
        loop.remove_reader(tie.fileno())  # A pipe that has ended stays readable.
        stop.set()

    loop.add_reader(tie.fileno(), release)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await serve(settings, urls, listeners, ready=lambda: report.send(""), stop=stop, place=place)
