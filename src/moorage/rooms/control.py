"""The control database, and the services of keys and of the vault."""

import contextlib
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from moorage.acting import actor
from moorage.clock import Clock
from moorage.rooms.urls import Urls
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql

if TYPE_CHECKING:
    from moorage.audit.service import Audit
    from moorage.jobs.service import Jobs
    from moorage.keys.contract import KeyPolicies
    from moorage.keys.limits import RateLimiter
    from moorage.keys.refusals import Refusals
    from moorage.keys.service import Keys
    from moorage.keys.settling import Settling
    from moorage.metrics.calls import CallCounts
    from moorage.requests.key_use import KeyUses
    from moorage.requests.notes import Notes
    from moorage.requests.sealed import KeptBodies
    from moorage.requests.service import Requests
    from moorage.requests.sums import Sums
    from moorage.storage import Database
    from moorage.vault.keys import KeySource
    from moorage.vault.rotation import Rotation
    from moorage.vault.service import Vault

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class ControlRooms:
    """With `make_key`, a vault that has no key and no secrets gets a new key."""

    def __init__(self, settings: Settings, urls: Urls, clock: Clock, *, make_key: bool = True) -> None:
        self.settings = settings
        self.urls = urls
        self.clock = clock
        self._make_key = make_key

    @cached_property
    def database(self) -> "Database":
        from moorage.storage.database import READERS, Database

        settings = self.settings
        # One connection writes, and one watches for changes.
        readers = settings.database_connections - 2 if is_postgresql(settings.database_url) else READERS
        return Database(settings.database_url, self.clock, readers=readers)

    def alone(self) -> AbstractAsyncContextManager[object]:
        """A lock for work that one server of a control database does, such as the first start.

        For SQLite the lock of the data folder is enough, which every server holds.
        """
        if not is_postgresql(self.settings.database_url):
            return contextlib.nullcontext()
        from moorage.storage.backend import CONTROL_SCHEMA
        from moorage.storage.lease import Lease

        return Lease(self.settings.database_url, CONTROL_SCHEMA, "first start")

    @cached_property
    def keys(self) -> "Keys":
        from moorage.grants.store import of_keys
        from moorage.keys.service import Keys

        return Keys(self.database, self.clock, self.key_policies, of_keys)

    @abstractmethod
    def key_policies(self) -> "KeyPolicies":
        """The policies of keys, which need the apps."""

    @cached_property
    def audit(self) -> "Audit":
        from moorage.audit.service import Audit

        return Audit(self.database)

    async def note(self, action: str, subject: str, facts: Mapping[str, Any]) -> None:
        """Note a change of what is not in the control database. It belongs to the actor's account, or to the first."""
        from moorage.audit import note

        account = actor().account_id or await self.keys.first_account()
        async with self.database.transaction(quiet=True) as tx:
            await note(tx, action, subject, account=account, after=facts or None)

    @cached_property
    def vault_keys(self) -> "KeySource":
        from moorage.storage.sqlite import sqlite_path
        from moorage.vault.keys import load_keys, shared_keys

        if is_postgresql(self.settings.database_url):
            return shared_keys(self.settings.vault_key, self.settings.home)
        database = sqlite_path(self.settings.database_url)
        return load_keys(self.settings.vault_key, self.settings.home, database, make=self._make_key)

    @cached_property
    def vault(self) -> "Vault":
        from moorage.vault.service import Vault

        return Vault(self.database, self.vault_keys)

    @cached_property
    def rotation(self) -> "Rotation":
        from moorage.connections import sessions
        from moorage.mcp import sealing
        from moorage.requests import sealed
        from moorage.vault.rotation import Rotation

        purposes = {room.PURPOSE: float(room.LIFETIME) for room in (sessions, sealing)}
        if self.settings.request_bodies:
            # One more day, in which they are removed.
            purposes[sealed.PURPOSE] = (self.settings.request_body_days + 1) * 24 * 3600.0
        return Rotation(self.database, self.vault_keys, purposes)

    @cached_property
    def refusals(self) -> "Refusals":
        from moorage.keys.refusals import Refusals

        return Refusals(self.clock)

    @cached_property
    def jobs(self) -> "Jobs":
        from moorage.jobs.service import Jobs

        return Jobs(self.database)

    @cached_property
    def limiter(self) -> "RateLimiter":
        from moorage.keys.limits import RateLimiter

        return RateLimiter(self.settings.rate_limit, self.clock)

    @cached_property
    def settling(self) -> "Settling":
        from moorage.keys.settling import Settling

        return Settling(self.database, self.limiter)

    @cached_property
    def call_counts(self) -> "CallCounts | None":
        """The calls of this process for the metrics; None if these are off."""
        if self.settings.metrics is None:
            return None
        from moorage.metrics.calls import CallCounts

        return CallCounts()

    @cached_property
    def request_notes(self) -> "Notes | None":
        """What the gateway notes of calls; None if nothing reads it."""
        from moorage.requests.bodies import WaitingBodies
        from moorage.requests.notes import Notes

        settings = self.settings
        has_lines = settings.log_level in {"info", "debug"}
        keeps_bodies = settings.requests_kept and settings.request_bodies
        bodies = WaitingBodies(settings.request_body_size) if keeps_bodies else None
        is_read = settings.requests_kept or has_lines or settings.metrics is not None or settings.traces
        return Notes(bodies) if is_read else None

    @cached_property
    def request_database(self) -> "Database":
        from moorage.requests.migrations import REQUESTS
        from moorage.requests.place import url_of
        from moorage.storage.database import Database

        url = url_of(self.settings)
        return Database(url, self.clock, what="The request log", schema=REQUESTS.schema, readers=2)

    @cached_property
    def requests(self) -> "Requests | None":
        """None if no request log is kept."""
        from moorage.requests.service import Requests

        return Requests(self.request_database) if self.settings.requests_kept else None

    @cached_property
    def request_sums(self) -> "Sums | None":
        from moorage.requests.sums import Sums

        return Sums(self.request_database) if self.settings.requests_kept else None

    @cached_property
    def request_key_uses(self) -> "KeyUses | None":
        from moorage.requests.key_use import KeyUses

        return KeyUses(self.request_database) if self.settings.requests_kept else None

    @cached_property
    def request_bodies(self) -> "KeptBodies":
        from moorage.requests.sealed import KeptBodies

        return KeptBodies(self.request_database, self.vault)
