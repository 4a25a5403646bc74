"""The embedded CRM, and the kind of its storage."""

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from moorage.loopback import is_loopback
from moorage.rooms.control import ControlRooms
from moorage.rooms.urls import DEMO_SLUG
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql

if TYPE_CHECKING:
    from moorage.crm import CrmService, CrmStorage, Management
    from moorage.jobs import Job
    from moorage.vault.kept import SealedSecrets

BULK_JOB = "crm.bulk_job"  # The kind of job by which one of all processes works on a bulk job.

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class CrmRooms(ControlRooms):
    crm_like: "CrmService | None" = None  # The CRM gets its key, if it has none yet.

    @cached_property
    def crm(self) -> "CrmService":
        from moorage.crm import CrmService

        folder, open_slug = self.settings.crm_folder, DEMO_SLUG if _is_local(self.settings) else None
        crm = CrmService(
            self.crm_storage,
            folder,
            self.clock,
            self.urls.crm,
            open_slug,
            self._secret_keeper(),
            self.crm_like,
            self._schedule_bulk_job,
            self.settings.crm_receivers,
        )
        crm.organisations.witness.tell = self.note
        return crm

    async def _schedule_bulk_job(self, organisation: int, job: int) -> None:
        payload = {"organisation": organisation, "job": job}
        async with self.database.transaction(quiet=True) as tx:
            await self.jobs.put(tx, BULK_JOB, payload, subject=f"{organisation}/{job}")

    async def run_bulk_job(self, job: "Job") -> None:
        """Do a job that `_schedule_bulk_job` has put."""
        payload = job.payload
        if seconds := await self.crm.bulk_jobs.run(payload["organisation"], payload["job"], job.failures):
            from moorage.jobs import PutOff

            raise PutOff(seconds)

    def _secret_keeper(self) -> "SealedSecrets | None":
        """What keeps the CRM's secrets, if its folder does not: processes on other machines need them, too."""
        if not self.crm_storage.is_shared:
            return None
        from moorage.vault.kept import SealedSecrets

        _ = self.database  # A command updates its schema.
        return SealedSecrets(self.settings.database_url, self.vault_keys, self.settings.crm_folder)

    @cached_property
    def crm_storage(self) -> "CrmStorage":
        """The storage, whose kind is chosen here: a folder of SQLite files, or a database in PostgreSQL."""
        settings = self.settings
        if is_postgresql(settings.crm_database_url):
            from moorage.crm.storage.postgresql.storage import PostgresqlStorage

            return PostgresqlStorage(
                settings.crm_database_url, self.clock, settings.crm_connections, settings.other_servers
            )
        from moorage.crm.storage.sqlite.storage import SqliteStorage

        return SqliteStorage(self.settings.crm_folder, self.clock)

    @cached_property
    def organisations(self) -> "Management":
        from moorage.crm import Management

        return Management(self.crm, self.clock)


def _is_local(settings: Settings) -> bool:
    """True if only users of this machine can reach the CRM, also with a proxy in front of it."""
    host = urlsplit(settings.crm_public_url).hostname if settings.crm_public_url else settings.host
    return settings.loopback and is_loopback(host or "")
