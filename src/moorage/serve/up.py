"""`moorage up`: locks the data folder, binds the sockets, creates what is missing, serves until a signal stops it."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from moorage import __version__
from moorage.app import App
from moorage.background import Loop
from moorage.crm import DEMO
from moorage.first_start import first_start, play_zoho
from moorage.logs import Log, configure_logs
from moorage.loopback import is_loopback
from moorage.oauth.apps.providers import Providers
from moorage.people.model import entry_url, welcome_url
from moorage.rooms import Urls
from moorage.serve import data_folder
from moorage.serve.descriptors import raise_limit
from moorage.serve.errors import AddressUnavailable
from moorage.serve.forked import apart
from moorage.serve.listen import bind, local_url, network_url
from moorage.serve.process import run, serve, stopped_by_signals
from moorage.serve.reloads import Reloads
from moorage.serve.workers import Workers
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.metrics.shared import Place, Places

REHEARSED = "Rehearsal at Zoho"  # The name of the organisation in a Moorage that plays Zoho. It is not the demo's name.

log = Log(__name__)


class Ready(msgspec.Struct, frozen=True):
    """All origins answer at these local URLs; `metrics` is None if they are off. `public_url` is that for people.

    `api_key` is the secret of the first API key, and `owner_link` the URL at which the first owner joins, by one click
    if it `is_entry`; None after the first start. `remarks` are warnings for the operator of a server that other
    machines can reach.
    """

    gateway: str
    crm: str
    api_key: str | None
    remarks: tuple[str, ...] = ()
    played: "Played | None" = None
    owner_link: str | None = None
    is_entry: bool = False
    metrics: str | None = None
    public_url: str | None = None


class Played(msgspec.Struct, frozen=True):
    """What the other Moorage of a rehearsal needs: client id, file of the client secret, callback URL."""

    client_id: str
    secret_file: Path
    callback_url: str


def up(
    settings: Settings,
    *,
    workers: int,
    announce: Callable[[Ready], bool],
    read: Callable[[], Settings],
    plays_for: str | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or a closed terminal, finish running requests and return. A second signal ends the
    process. SIGHUP lets the server use the settings that `read` gives then, and the files of apps.

    `announce` returns False if nobody has seen what is shown once. `plays_for` is the callback URL of another Moorage.
    With it, this Moorage plays Zoho to the other one.

    Raises HomeUnusable, HomeInUse, AddressUnavailable, WorkerFailed.
    """
    configure_logs(settings.log_level)
    raise_limit()
    data_folder.prepare(settings.home)
    data_folder.warn_if_open(settings)
    with data_folder.locked(settings.home):
        listeners = _listen(settings)
        try:
            _serve(settings, listeners, workers, announce, read, plays_for)
        finally:
            data_folder.remove_note(settings.home)
            for listener in listeners:
                listener.close()
    log.info("server.stopped", home=str(settings.home))


def _serve(
    settings: Settings,
    listeners: Sequence[socket.socket],
    workers: int,
    announce: Callable[[Ready], bool],
    read: Callable[[], Settings],
    plays_for: str | None,
) -> None:
    reloads = Reloads(settings, Providers(settings.home / "providers"), read)
    played = None
    if plays_for is None:
        begun = apart(first_start, settings)
    else:
        begun = apart(first_start, settings, replace(DEMO, name=REHEARSED))
        played = Played(*apart(play_zoho, settings, plays_for), plays_for)
    gateway, crm, *others = map(local_url, listeners)
    metrics = next(iter(others), None)
    urls = Urls(gateway=settings.public_url or gateway, crm=settings.crm_public_url or crm)

    def ready() -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        began = data_folder.Running(
            os.getpid(), gateway, crm, version=__version__, since=since, workers=workers, metrics=metrics
        )
        reloads.note = note = began.with_settings(settings)
        data_folder.write_note(settings.home, note)
        remarks = tuple(_remarks(settings, listeners))
        _log_start(settings.home, note, remarks)
        link_of = entry_url if begun.is_entry else welcome_url
        owner_link = begun.owner_link and link_of(urls.gateway, begun.owner_link)
        links = owner_link, begun.is_entry, metrics, settings.public_url
        if announce(Ready(gateway, crm, begun.api_key, remarks, played, *links)):
            data_folder.first_key_shown(settings.home)

    def at_once() -> None:
        data_folder.remove_note(settings.home)

    places = _places(settings, workers)
    if workers > 1:
        several = Workers(reloads, urls, listeners, count=workers, places=places)
        several.serve(ready=ready, at_once=at_once)
    else:
        place = None if places is None else places.of(0)
        run(_serve_here(reloads, urls, listeners, place, ready=ready, at_once=at_once))


def _log_start(home: Path, note: data_folder.Running, remarks: Sequence[str]) -> None:
    values = {"home": str(home), "gateway": note.gateway, "crm": note.crm, "workers": note.workers}
    measured = {} if note.metrics is None else {"metrics": f"{note.metrics}/metrics"}
    log.info("server.started", version=note.version, **values, **measured)
    for remark in remarks:
        log.warning("server.reachable", remark=remark)


def _places(settings: Settings, workers: int) -> "Places | None":
    """The memory for the numbers of all workers, if there are metrics."""
    if settings.metrics is None:
        return None
    from moorage.metrics.shared import Places  # noqa: PLC0415 (only a server whose metrics are on loads it)

    return Places(workers)


async def _serve_here(
    reloads: Reloads,
    urls: Urls,
    listeners: Sequence[socket.socket],
    place: "Place | None",
    *,
    ready: Callable[[], None],
    at_once: Callable[[], None],
) -> None:
    stop, hung_up = asyncio.Event(), asyncio.Event()

    def loops(app: App) -> list[Loop]:
        return [Loop("serve.reload", partial(_reload_when, hung_up, app, reloads))]

    with stopped_by_signals(stop, at_once=at_once, reload=hung_up.set):
        await serve(
            reloads.settings,
            urls,
            listeners,
            ready=ready,
            stop=stop,
            place=place,
            providers=reloads.providers,
            loops=loops,
        )


async def _reload_when(hung_up: asyncio.Event, app: App, reloads: Reloads) -> None:
    while True:
        await hung_up.wait()
        hung_up.clear()
        if (reload := reloads.look()) is not None:
            await app.use(reload.settings, reload.providers, reload.facts)
            reloads.done(reload)


def _remarks(settings: Settings, listeners: Sequence[socket.socket]) -> Iterator[str]:
    """Warnings for a server that other machines can reach."""
    if settings.metrics is not None and not is_loopback(settings.metrics.host):
        yield "Other machines can read the metrics, for which nobody needs a key: let only Prometheus reach their port."
    if settings.loopback:
        return
    gateway, crm = (network_url(settings.host, listener.getsockname()[1]) for listener in listeners[:2])
    if gateway is not None:
        yield f"Other machines reach the gateway at {gateway} and the CRM at {crm}."
    yield "It speaks plain HTTP: the network can read keys and tokens, unless a proxy in front of it speaks TLS."
    if settings.public_url is None:
        yield "Links to connect work on this machine only: set MOORAGE_PUBLIC_URL to the address that people use."
    if settings.rate_limit is not None:
        yield f"An account may make {settings.rate_limit:g} requests per second; MOORAGE_RATE_LIMIT changes that."


def _listen(settings: Settings) -> list[socket.socket]:
    """The sockets of the gateway and the CRM, and that of the metrics if they are on. Raises AddressUnavailable."""
    listeners: list[socket.socket] = []
    try:
        listeners.append(bind(settings.host, settings.port, option="--port", setting="MOORAGE_PORT"))
        crm = bind(settings.host, settings.crm_port, option="--crm-port", setting="MOORAGE_CRM_PORT")
        listeners.append(crm)
        if settings.metrics is not None:
            listeners.append(bind(*settings.metrics, setting="MOORAGE_METRICS"))
    except AddressUnavailable:
        for listener in listeners:
            listener.close()
        raise
    return listeners
