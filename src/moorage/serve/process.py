"""One process that serves both origins in one event loop until a signal stops it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn

from moorage.app import App, Origin
from moorage.background import Background, Loop
from moorage.http.crowd import Crowd
from moorage.http.direct import DirectProtocol
from moorage.oauth.apps.providers import Providers
from moorage.rooms import Urls
from moorage.serve import descriptors
from moorage.serve.hangup import Hangup
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.metrics.shared import Place

T = TypeVar("T")

STOPS = (signal.SIGTERM, signal.SIGINT)
DRAIN_SECONDS = 10  # The time that running requests have after the signal to stop.


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in uvloop's event loop, or in the standard one if uvloop is not installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


async def serve(
    settings: Settings,
    urls: Urls,
    listeners: Sequence[socket.socket],
    *,
    ready: Callable[[], None],
    stop: asyncio.Event,
    place: "Place | None" = None,
    providers: Providers | None = None,
    loops: Callable[[App], Iterable[Loop]] = lambda _app: (),
) -> None:
    """Serve the gateway and the CRM on their sockets, and the metrics on the third if there is a `place` for them.

    `ready` is called when all of them answer. From then on the `loops` run, which are told what serves.

    When `stop` is set, `/readyz` says so. After `stop_delay` of the settings, the servers accept no more connections,
    and running requests have DRAIN_SECONDS to end.
    """
    app = App(settings, urls, place, providers)
    app.start()
    app.crowd.limit = descriptors.connections()
    servers = [Server(_config(origin, app.crowd)) for origin in app.origins]
    app.inside.open(servers[0].new_protocol)
    background = Background(loops(app))
    try:
        async with asyncio.TaskGroup() as tasks:
            for server, listener in zip(servers, listeners, strict=True):
                tasks.create_task(server.serve(sockets=[listener]))
            for server in servers:
                await server.answers.wait()
            ready()
            background.start()
            await stop.wait()
            app.crowd.is_ending = True
            await asyncio.sleep(app.settings.stop_delay)
            for server in servers:
                server.should_exit = True
    finally:
        await background.close()
        await app.close()


@contextlib.contextmanager
def stopped_by_signals(
    stop: asyncio.Event, *, at_once: Callable[[], None], reload: Callable[[], None]
) -> Iterator[None]:
    """The first signal of STOPS sets `stop`; the second calls `at_once` and ends the process immediately.

    SIGHUP calls `reload`. If the terminal was closed, it stops as the others do.
    """
    loop = asyncio.get_running_loop()
    hangup = Hangup()
    stops = stop_signals()

    def on_signal(number: int) -> None:
        if not stop.is_set():
            stop.set()
            return
        at_once()
        os._exit(128 + number)

    def on_hangup() -> None:
        if hangup.is_of_terminal:
            on_signal(signal.SIGHUP)
        else:
            reload()

    for number in stops:
        loop.add_signal_handler(number, on_signal, number)
    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        for number in (*stops, signal.SIGHUP):
            loop.remove_signal_handler(number)


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals of STOPS, without those that the parent has set to be ignored, as nohup does."""
    return tuple(number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN)


class Server(uvicorn.Server):
    """A server that shares its event loop with another. It catches no signals. `answers` is set when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.answers.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        waiting = [accepted for listener in sockets or [] for accepted in _drained(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for accepted in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self.new_protocol, accepted)
        await super().shutdown()
        for connection in list(self.server_state.connections):
            if isinstance(connection, DirectProtocol):
                connection.cut()

    def new_protocol(self) -> asyncio.Protocol:
        """The server's end of a new connection."""
        new: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return new(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _drained(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that the kernel has accepted and we have not. It would reset them with the listener."""
    with contextlib.suppress(OSError):
        while True:
            yield listener.accept()[0]


def _config(origin: Origin, crowd: Crowd) -> uvicorn.Config:
    origin["http"].crowd = crowd
    defaults: dict[str, Any] = {
        "lifespan": "off",
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": 2048,
        # Clients keep idle connections for a minute and more. If we close one while a request arrives, that call fails.
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
    }
    return uvicorn.Config(**(defaults | origin))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 (it may be missing)
    except ImportError:
        return None
    return uvloop.new_event_loop
