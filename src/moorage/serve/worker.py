"""A worker process: serves both origins until its parent ends or stops it, and does what the parent orders."""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import msgspec

from moorage.app import App
from moorage.background import Loop
from moorage.errors import MoorageError
from moorage.logs import set_level
from moorage.oauth.apps.providers import Providers
from moorage.rooms import Urls
from moorage.serve.process import STOPS, run, serve
from moorage.serve.reloads import Reloads
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.metrics.shared import Place, Places

HANDLED = (*STOPS, signal.SIGHUP)  # The signals that the parent handles.


class Order(msgspec.Struct, frozen=True):
    """What a worker shall use from now on. `noted` is for the audit, if this worker writes it."""

    settings: Settings
    providers: Providers
    noted: Mapping[str, Any] | None


def work(
    reloads: Reloads,
    urls: Urls,
    listeners: Sequence[socket.socket],
    tie: tuple[Connection, Connection],
    places: "Places | None",
    number: int,
    parent: Connection,
) -> None:
    """The main function of a worker process.

    `parent` gets an empty text when the worker is ready, or the error; and an empty text after each order from there.
    """
    # Ctrl-C and a closed terminal send a signal to the whole process group. Only the parent reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    theirs, ours = tie
    ours.close()
    try:
        # Here and not in the parent, as it is about what the last worker with this number has left there.
        place = None if places is None else places.of(number)
        run(_serve_until_released(reloads, urls, listeners, theirs, parent, place))
    except MoorageError as error:
        parent.send(error.message)
        raise SystemExit(1) from error


async def _serve_until_released(
    reloads: Reloads,
    urls: Urls,
    listeners: Sequence[socket.socket],
    tie: Connection,
    parent: Connection,
    place: "Place | None",
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    orders: asyncio.Queue[Order] = asyncio.Queue()

    def release() -> None:
        loop.remove_reader(tie.fileno())  # A pipe that has ended stays readable.
        stop.set()

    def receive() -> None:
        try:
            orders.put_nowait(parent.recv())
        except (EOFError, ConnectionError):  # The parent has ended.
            loop.remove_reader(parent.fileno())

    loop.add_reader(tie.fileno(), release)
    loop.add_reader(parent.fileno(), receive)
    # The loop has let it read only what has arrived. An order is read whole: the parent is writing it.
    os.set_blocking(parent.fileno(), True)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await serve(
        reloads.settings,
        urls,
        listeners,
        ready=lambda: parent.send(""),
        stop=stop,
        place=place,
        providers=reloads.providers,
        loops=lambda app: [Loop("serve.reload", partial(_obey, orders, app, parent))],
    )


async def _obey(orders: asyncio.Queue[Order], app: App, parent: Connection) -> None:
    while True:
        order = await orders.get()
        try:
            set_level(order.settings.log_level)
            await app.use(order.settings, order.providers, order.noted)
        finally:
            parent.send("")
