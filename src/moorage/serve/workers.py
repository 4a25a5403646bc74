"""Several processes that share the listening sockets, and the one that keeps them running."""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection

import structlog

from moorage.app import Urls
from moorage.errors import MoorageError
from moorage.serve.errors import WorkerFailed
from moorage.serve.logs import configure_logs
from moorage.serve.process import DRAIN_SECONDS, run, serve
from moorage.settings import Settings

FIRST_PAUSE = 0.5  # Seconds before a worker that ended is started again; doubles each time ...
LONGEST_PAUSE = 30.0  # ... up to this ...
SETTLED_AFTER = 60.0  # ... and starts over once a worker has lived this long.

_spawn = multiprocessing.get_context("spawn")
_log = structlog.get_logger()


class Workers:
    """`count` processes, each serving both origins."""

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        listeners: tuple[socket.socket, socket.socket],
        *,
        count: int,
    ) -> None:
        self._arguments = (settings, urls, listeners)
        self._listeners = listeners
        self._count = count
        self._workers: set[_Worker] = set()

    async def serve(self, *, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """`ready` is called once all answer. Raises WorkerFailed if one ends before that."""
        try:
            first = [self._start() for _ in range(self._count)]
            for worker in first:
                await worker.until_ready()
            ready()
            async with asyncio.TaskGroup() as tasks:
                for worker in first:
                    tasks.create_task(self._keep_running(worker, stop))
        finally:
            await self._drain()

    def kill(self) -> None:
        for worker in self._workers:
            worker.kill()

    def _start(self) -> "_Worker":
        worker = _Worker(self._arguments)
        self._workers.add(worker)
        return worker

    async def _keep_running(self, worker: "_Worker", stop: asyncio.Event) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        stopping = asyncio.create_task(stop.wait())
        while True:
            started = loop.time()
            ending = asyncio.create_task(worker.ended.wait())
            await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            if stop.is_set():
                return
            self._workers.discard(worker)
            pause = FIRST_PAUSE if loop.time() - started > SETTLED_AFTER else pause
            _log.error("worker ended", worker=worker.pid, status=worker.status, again_after_seconds=pause)
            await asyncio.wait({stopping}, timeout=pause)
            if stop.is_set():
                return
            pause = min(pause * 2, LONGEST_PAUSE)
            worker = self._start()

    async def _drain(self) -> None:
        # Our copies of the sockets would keep taking connections that nobody answers any more.
        for listener in self._listeners:
            listener.close()
        for worker in self._workers:
            worker.let_go()
        ended = asyncio.gather(*(worker.ended.wait() for worker in self._workers))
        try:
            await asyncio.wait_for(ended, DRAIN_SECONDS + 5)
        except TimeoutError:
            self.kill()


class _Worker:
    """A process, and the pipe that ties it to us: it says there how its start went, and drains once we close it.

    So a worker never outlives the process that started it, even when that one is killed.
    """

    def __init__(self, arguments: tuple[Settings, Urls, tuple[socket.socket, socket.socket]]) -> None:
        self.ended = asyncio.Event()
        self._tie, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=_work, args=(*arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._process.sentinel, self._on_end)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, or minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    async def until_ready(self) -> None:
        """Raises WorkerFailed with what the worker said, if it can't start."""
        said = asyncio.Event()
        self._loop.add_reader(self._tie.fileno(), said.set)
        await said.wait()
        self._loop.remove_reader(self._tie.fileno())
        try:
            complaint: str = self._tie.recv()
        except EOFError:
            complaint = "it ended without a word"
        if complaint:
            raise WorkerFailed(f"A worker process could not start: {complaint}")

    def let_go(self) -> None:
        self._tie.close()

    def kill(self) -> None:
        self._process.kill()

    def _on_end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._process.join()
        self.ended.set()


def _work(
    settings: Settings, urls: Urls, listeners: tuple[socket.socket, socket.socket], tie: Connection
) -> None:
    """The whole life of a worker process."""
    # Ctrl-C reaches the whole group; the process that started us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs(settings.log_level)
    os.umask(0o077)
    try:
        run(_serve_until_let_go(settings, urls, listeners, tie))
    except MoorageError as error:
        tie.send(error.message)
        raise SystemExit(1) from error


async def _serve_until_let_go(
    settings: Settings, urls: Urls, listeners: tuple[socket.socket, socket.socket], tie: Connection
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def let_go() -> None:
        loop.remove_reader(tie.fileno())  # A pipe that has ended stays readable.
        stop.set()

    loop.add_reader(tie.fileno(), let_go)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await serve(settings, urls, listeners, ready=lambda: tie.send(""), stop=stop)
