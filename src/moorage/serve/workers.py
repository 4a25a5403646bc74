"""Several worker processes that share the listening sockets, and the parent process that keeps them running.

The parent has loaded all code, but has no event loop, no thread and no open database. So workers can be forks of the
parent. They share the memory of the loaded code, and start quickly.
"""

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

from moorage.logs import Log
from moorage.rooms import Urls
from moorage.serve.errors import WorkerFailed
from moorage.serve.hangup import Hangup
from moorage.serve.process import DRAIN_SECONDS, stop_signals
from moorage.serve.reloads import Reloads
from moorage.serve.worker import HANDLED, Order, work

if TYPE_CHECKING:
    from moorage.metrics.shared import Places

# Seconds from the end of a worker to its next start. The pause doubles with each end, up to the longest. It is the
# first pause again after a worker that lived for SETTLED_AFTER seconds.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
SETTLED_AFTER = 60.0
RELOAD_SECONDS = 10.0  # The time in which workers say that they use new settings.

_fork = multiprocessing.get_context("fork")
_log = Log(__name__)


class Workers:
    """`count` worker processes. Each serves both origins."""

    def __init__(
        self,
        reloads: Reloads,
        urls: Urls,
        listeners: Sequence[socket.socket],
        *,
        count: int,
        places: "Places | None" = None,
    ) -> None:
        self._reloads = reloads
        self._listeners = listeners
        # A pipe: each worker drains when its write end closes. Only this process holds that end, so no worker outlives
        # this process, even if it is killed.
        theirs, self._tie = _fork.Pipe(duplex=False)
        shared = reloads, urls, listeners, (theirs, self._tie)
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
        with _signals(at_once=kill) as (stop, hung_up):
            try:
                for worker in self._workers:
                    worker.start()
                for worker in self._workers:
                    worker.until_ready()
                ready()
                self._keep_running(stop, hung_up)
            finally:
                self._drain()

    def _keep_running(self, stop: Connection, hung_up: Connection) -> None:
        while True:
            now = time.monotonic()
            pause = min(
                (worker.due - now for worker in self._workers if worker.due is not None), default=None
            )
            running = [worker.sentinel for worker in self._workers if worker.due is None]
            readable = wait([stop, hung_up, *running], pause if pause is None else max(pause, 0))
            if stop in readable:
                return
            if hung_up in readable:
                hung_up.recv_bytes()
                self._reload()
            for worker in self._workers:
                worker.keep_running()

    def _reload(self) -> None:
        """Let all workers use the settings and the apps as they are now. The first of them notes it in the audit."""
        reload = self._reloads.look()
        if reload is None:
            return
        asked: list[_Worker] = []
        for worker in self._workers:
            if worker.ask(Order(reload.settings, reload.providers, None if asked else reload.facts)):
                asked.append(worker)
        latest = time.monotonic() + RELOAD_SECONDS
        for worker in asked:
            worker.until_reloaded(latest)
        self._reloads.done(reload)

    def _drain(self) -> None:
        # While the parent has the sockets open, they accept connections that no process answers.
        for listener in self._listeners:
            listener.close()
        self._tie.close()
        latest = time.monotonic() + self._reloads.settings.stop_delay + DRAIN_SECONDS + 5
        for worker in self._workers:
            worker.join(latest - time.monotonic())
        self._kill()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.kill()


class _Worker:
    """A worker process and its successors. `due` is the time at which the next starts, or None while one runs.

    A new worker starts with what the last reload has brought.
    """

    def __init__(
        self,
        reloads: Reloads,
        urls: Urls,
        listeners: Sequence[socket.socket],
        tie: tuple[Connection, Connection],
        places: "Places | None",
        number: int,
    ) -> None:
        self._arguments = (reloads, urls, listeners, tie, places, number)
        self._pause = FIRST_PAUSE
        self.due: float | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        self.due = None
        self._report, theirs = _fork.Pipe()
        self._process = _fork.Process(target=work, args=(*self._arguments, theirs), daemon=True)
        # Until the worker has set its own handlers, a signal would run the handlers of this process.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
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

    def ask(self, order: Order) -> bool:
        """Tell the worker what to use from now on. False if none runs: then the next one begins with it."""
        if not self._runs:
            return False
        with contextlib.suppress(EOFError, OSError):
            while self._report.poll():  # An answer to an earlier order, which came too late.
                self._report.recv()
            self._report.send(order)
            return True
        return False

    def until_reloaded(self, latest: float) -> None:
        """Wait until the worker has done what it was told, but only up to this time of the monotonic clock."""
        with contextlib.suppress(EOFError, OSError):
            if self._report.poll(max(latest - time.monotonic(), 0)):
                self._report.recv()
            else:
                _log.error("settings.worker_silent", worker=self._process.pid)

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
def _signals(*, at_once: Callable[[], None]) -> Iterator[tuple[Connection, Connection]]:
    """Two pipes. One is readable after the first signal to stop, the other after SIGHUP.

    The second signal to stop calls `at_once` and ends the process.
    """
    stop, sender = _fork.Pipe(duplex=False)
    hung_up, reload_sender = _fork.Pipe(duplex=False)
    hangup = Hangup()

    def on_signal(number: int, _frame: object) -> None:
        if stop.poll():
            at_once()
            os._exit(128 + number)
        sender.send_bytes(b"stop")

    def on_hangup(number: int, frame: object) -> None:
        if hangup.is_of_terminal:
            on_signal(number, frame)
        elif not hung_up.poll():  # One that waits is enough.
            reload_sender.send_bytes(b"reload")

    before = {number: signal.signal(number, on_signal) for number in stop_signals()}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, on_hangup)
    try:
        yield stop, hung_up
    finally:
        for number, action in before.items():
            signal.signal(number, action)
