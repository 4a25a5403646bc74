"""Several worker processes that share the listening sockets, and the parent process that keeps them running.

The parent has loaded all code, but has no event loop, no thread and no open database. So workers can be forks of it:
they share the memory of the loaded code, and start quickly.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait

from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.rooms import Urls
from moorage.serve.errors import WorkerFailed
from moorage.serve.process import DRAIN_SECONDS, STOPS, heeded, run, serve
from moorage.settings import Settings

FIRST_PAUSE = 0.5  # Seconds before a worker that ended is started again. It doubles each time ...
LONGEST_PAUSE = 30.0  # ... up to this ...
SETTLED_AFTER = 60.0  # ... and starts over once a worker has lived this long.

_fork = multiprocessing.get_context("fork")
_log = Log(__name__)


class Workers:
    """`count` worker processes. Each serves both origins."""

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        listeners: tuple[socket.socket, socket.socket],
        *,
        count: int,
    ) -> None:
        self._listeners = listeners
        # A pipe: each worker drains when its write end closes. Only this process holds that end, so no worker outlives
        # this process, even if it is killed.
        theirs, self._tie = _fork.Pipe(duplex=False)
        self._workers = [_Worker(settings, urls, listeners, (theirs, self._tie)) for _ in range(count)]

    def serve(self, *, ready: Callable[[], None], at_once: Callable[[], None]) -> None:
        """Serve until a signal to stop. `ready` is called when all workers answer, `at_once` if a second signal comes.

        Raises WorkerFailed if a worker ends before it answers.
        """

        def kill() -> None:
            self._kill()
            at_once()

        gc.collect()
        gc.freeze()  # If the collector looked at the objects that workers share, each worker would copy them.
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
        # Our copies of the sockets would still accept connections that nobody answers.
        for listener in self._listeners:
            listener.close()
        self._tie.close()
        latest = time.monotonic() + DRAIN_SECONDS + 5
        for worker in self._workers:
            worker.join(latest - time.monotonic())
        self._kill()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.kill()


class _Worker:
    """One worker, and its successors. `due` is when the next one starts, or None while one runs."""

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        listeners: tuple[socket.socket, socket.socket],
        tie: tuple[Connection, Connection],
    ) -> None:
        self._arguments = (settings, urls, listeners, tie)
        self._pause = FIRST_PAUSE
        self.due: float | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        self.due = None
        self._word, theirs = _fork.Pipe(duplex=False)
        self._process = _fork.Process(target=_work, args=(*self._arguments, theirs), daemon=True)
        # A signal that came before the worker has its own handlers would run this process's handlers.
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
            complaint: str = self._word.recv()
        except EOFError:
            complaint = "it ended without a word"
        if complaint:
            raise WorkerFailed(f"A worker process could not start: {complaint}")

    def keep_running(self) -> None:
        """Start the worker again if that is due; if it has ended, set when that will be due."""
        now = time.monotonic()
        if self.due is not None:
            if self.due <= now:
                self.start()
        elif not self._process.is_alive():
            pause = FIRST_PAUSE if now - self._started > SETTLED_AFTER else self._pause
            pid, status = self._process.pid, self._process.exitcode
            _log.error("worker ended", worker=pid, status=status, again_after_seconds=pause)
            self._word.close()
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
    stop, say = _fork.Pipe(duplex=False)

    def on_signal(number: int, _frame: object) -> None:
        if stop.poll():
            at_once()
            os._exit(128 + number)
        say.send_bytes(b"stop")

    before = {number: signal.signal(number, on_signal) for number in heeded()}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _work(
    settings: Settings,
    urls: Urls,
    listeners: tuple[socket.socket, socket.socket],
    tie: tuple[Connection, Connection],
    word: Connection,
) -> None:
    """The whole life of a worker process."""
    # Ctrl-C and a closed terminal reach the whole process group. The parent decides what they mean.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    theirs, ours = tie
    ours.close()
    try:
        run(_serve_until_let_go(settings, urls, listeners, theirs, word))
    except MoorageError as error:
        word.send(error.message)
        raise SystemExit(1) from error


async def _serve_until_let_go(
    settings: Settings,
    urls: Urls,
    listeners: tuple[socket.socket, socket.socket],
    tie: Connection,
    word: Connection,
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def let_go() -> None:
        loop.remove_reader(tie.fileno())  # A pipe that has ended stays readable.
        stop.set()

    loop.add_reader(tie.fileno(), let_go)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await serve(settings, urls, listeners, ready=lambda: word.send(""), stop=stop)
