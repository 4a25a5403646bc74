"""The two origins of a server, composed of the rooms."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from moorage.background import Background, Loop
from moorage.clock import SystemClock
from moorage.control import control_origin
from moorage.crm import refusal
from moorage.gateway.gateway import Gateway, Rules
from moorage.gateway.own_calls import OwnCalls
from moorage.gateway.protocol import gateway_protocol
from moorage.gateway.resolve import Resolver
from moorage.http.answering import Door, answering
from moorage.http.asgi import no_application
from moorage.http.errors import render
from moorage.logs import Log
from moorage.loopback import is_loopback
from moorage.oauth.apps.model import Provider
from moorage.oauth.apps.providers import Providers
from moorage.rooms import Rooms, Urls
from moorage.settings import Settings
from moorage.storage.errors import DatabaseUnusable

if TYPE_CHECKING:
    from moorage.metrics.shared import Place

KEPT_SECONDS = 3600.0  # As long as the database can't be read, callers are served from memory for this time.
WATCH_INTERVAL = 0.5  # Seconds until a change by another process is noticed here.

log = Log(__name__)

# Keyword arguments of uvicorn's Config.
Origin: TypeAlias = dict[str, Any]


class App:
    """The origins, ready for uvicorn: `origins` has keyword arguments of its Config, for the gateway, the CRM, and the
    metrics if there is a `place` for the numbers of this process.

    `providers` are the apps, if they were read already. `crowd` has the open connections of both origins. The process
    that serves them sets its limit.
    """

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        place: "Place | None" = None,
        providers: Providers | None = None,
    ) -> None:
        clock = SystemClock()
        self._rooms = rooms = Rooms(settings, urls, clock)
        if providers is not None:
            rooms.providers = providers
        rooms.place = place
        rooms.make_all()
        self._resolver = Resolver(
            keys=rooms.keys,
            connections=rooms.connections,
            tokens=rooms.tokens,
            guards=rooms.policies,
            header=rooms.providers.header,
            environment=rooms.providers.environment,
            limiter=rooms.limiter,
            clock=clock,
        )
        door = Door(rooms.crm.answer, rooms.crm.admit)
        self._gateway = gateway = Gateway(
            self._resolver,
            rooms.providers.names,
            door,
            answer_timeout=settings.upstream_timeout,
            proxies=rooms.proxies,
            rules=lambda app: _rules(rooms.providers.get(app)),
            prefix=urlsplit(urls.gateway).path.rstrip("/"),
            notes=rooms.request_notes,
            holder=rooms.holder,
            spans=rooms.spans,
        )
        rooms.own_calls = OwnCalls(gateway, rooms.keys, rooms.crm.try_out, settings.approval_body)
        gateway_origin: Origin = {
            "app": control_origin(rooms, on_change=self._resolver.clear),
            "http": gateway_protocol(gateway, rooms.probes.answers),
        }
        crm_origin: Origin = {"app": no_application, "http": answering(door, render_error=refusal)}
        self.origins = [gateway_origin, crm_origin, *_metrics_origin(rooms)]
        self.crowd = rooms.crowd
        self.inside = rooms.inside
        self._background = Background([Loop("app.notice_changes", self._notice_changes), *rooms.background()])

    @property
    def settings(self) -> Settings:
        """What it runs with now."""
        return self._rooms.settings

    async def use(self, settings: Settings, providers: Providers, noted: Mapping[str, Any] | None) -> None:
        """Use other settings and apps from now on. `noted` is for the audit; None if another process writes it."""
        from moorage.rooms.reloading import use  # noqa: PLC0415 (a server that is never asked to reload needs it not)

        await use(self._rooms, settings, providers)
        self._gateway.use(providers.names, lambda app: _rules(providers.get(app)), settings.upstream_timeout)
        self._resolver.clear()
        if noted is not None:
            try:
                await self._rooms.note("server.reloaded", "settings", noted)
            except DatabaseUnusable as error:  # The new settings count all the same.
                log.warning("settings.not_noted", error=error.message)

    def start(self) -> None:
        """Start the background loops in the running event loop."""
        self._background.start()

    async def _notice_changes(self) -> None:
        """Forget the remembered keys and connections as soon as any process changes them.

        While this process can't read the database, it goes on with what it remembers, but not for ever: other
        processes, which can read it, may revoke a key meanwhile.
        """
        read_at = time.monotonic()
        while True:
            changed = self._rooms.database.changed()
            if changed is not None:
                read_at = time.monotonic()
            if changed or time.monotonic() - read_at > KEPT_SECONDS:
                self._rooms.keys.clear()
                self._rooms.grants.clear()
                self._rooms.policies.clear()
                self._resolver.clear()
            await asyncio.sleep(WATCH_INTERVAL)

    async def close(self) -> None:
        await self._background.close()
        await self._gateway.close()
        if self._rooms.request_writer is not None:
            with contextlib.suppress(DatabaseUnusable):
                await self._rooms.request_writer.close()
        await self._rooms.close()
        if self._rooms.spans is not None:
            await self._rooms.spans.close()


def _metrics_origin(rooms: Rooms) -> Iterator[Origin]:
    metrics, address = rooms.metrics, rooms.settings.metrics
    if metrics is None or address is None:
        return
    from moorage.metrics.door import metrics_door  # noqa: PLC0415 (only a server whose metrics are on loads it)

    door = metrics_door(metrics, only_here=is_loopback(address.host))
    yield {"app": no_application, "http": answering(door, render_error=render)}


def _rules(provider: Provider) -> Rules:
    return Rules(provider.websocket, provider.rewrites_redirects, provider.passes_trace)
