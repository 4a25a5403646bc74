"""All services, and what is done with all of them."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING

from moorage.clock import SystemClock
from moorage.rooms.crm import BULK_JOB
from moorage.rooms.urls import Urls
from moorage.rooms.watching import WatchingRooms
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql

if TYPE_CHECKING:
    from moorage.background import Loop
    from moorage.gateway.probes import Probes
    from moorage.jobs.runner import Runner
    from moorage.requests.tail import Tails
    from moorage.storage.readiness import Readiness

# ruff: noqa: PLC0415 (a service is loaded when it is first used)

_CLOSED = ("mcp", "tokens", "unwritten", "outside", "internet", "crm")
_CLOSED_LAST = ("request_database", "database")


class Rooms(WatchingRooms):
    """All services. Arguments: see `ControlRooms`."""

    @cached_property
    def runner(self) -> "Runner":
        """Runs the jobs of all rooms: each is done by one of all processes."""
        from moorage.approvals.service import SEND
        from moorage.jobs import Work
        from moorage.jobs.runner import Runner
        from moorage.requests.service import Keeping

        pruning, grants = self.pruning, self.grants
        works = [
            Work("connections.end_unopened", lambda _: pruning.end_unopened(), every=3600),
            # A bulk job ends by itself if it fails too often, so that its organisation knows.
            Work(BULK_JOB, self.run_bulk_job, most_failures=1000),
            Work("grants.prune", lambda _: grants.prune(), every=3600),
            *self.sending.works(SEND),
        ]
        if self.requests is not None:
            requests = self.requests

            def keeping() -> Keeping:
                settings = self.settings  # Read each time, as a reload may bring others.
                return Keeping(settings.requests_kept, settings.requests_days, settings.request_body_days)

            works.append(Work("requests.prune", lambda _: requests.prune(keeping()), every=300))
        return Runner(self.jobs, works)

    @cached_property
    def request_tails(self) -> "Tails | None":
        from moorage.requests.tail import Tails

        requests, crowd = self.requests, self.crowd
        return None if requests is None else Tails(requests, lambda: crowd.is_ending)

    @cached_property
    def readiness(self) -> "Readiness":
        """The check behind /readyz: can the server do its work?"""
        from moorage.storage.readiness import Readiness, complaint
        from moorage.storage.sqlite import sqlite_path

        settings = self.settings
        folders = {settings.home, settings.crm_folder}
        files: dict[str, Callable[[float], str | None]] = {}
        if not is_postgresql(settings.database_url):
            database = sqlite_path(settings.database_url)
            folders.add(database.parent)
            files["The control database"] = partial(complaint, database)
        files.update(self.crm_storage.complaints())

        async def look() -> None:
            await self.database.check()
            await self.vault.check()
            await self.crm.check()

        return Readiness(look, folders, files)

    @cached_property
    def probes(self) -> "Probes":
        from moorage.gateway.probes import Probes

        return Probes(self.readiness, self.crowd)

    def background(self) -> "list[Loop]":
        """The background loops of all rooms."""
        rooms = self.crm, self.tokens, self.keys, self.settling, self.purses, self.runner
        optional = self.request_writer, self.metrics
        return [loop for room in (*rooms, *optional) if room is not None for loop in room.background()]

    def make_all(self) -> None:
        """Make every service that was not made yet."""
        for rooms in Rooms.__mro__:
            for name, room in vars(rooms).items():
                if isinstance(room, cached_property):
                    getattr(self, name)

    async def close(self) -> None:
        """Close the services that were made, in the order in which they stop to need each other."""
        services = vars(self)
        if "keys" in services:
            from moorage.storage.errors import DatabaseUnusable

            with contextlib.suppress(DatabaseUnusable):
                await self.keys.note_uses()
        if "passwords" in services:
            self.passwords.close()
        for name in _CLOSED:
            if name in services:
                await services[name].close()
        if "crm" not in services and "crm_storage" in services:
            await self.crm_storage.close()
        for name in _CLOSED_LAST:
            if name in services:
                await services[name].close()


@asynccontextmanager
async def open_rooms(settings: Settings, urls: Urls, *, make_key: bool = True) -> AsyncIterator[Rooms]:
    """The services over a data folder, closed at the end."""
    rooms = Rooms(settings, urls, SystemClock(), make_key=make_key)
    try:
        yield rooms
    finally:
        await rooms.close()
