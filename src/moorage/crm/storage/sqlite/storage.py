"""A CRM in one folder of SQLite files.

registry.db          the list of organisations; the accounts server's clients and tokens
organisations.lock   the lock for work on whole organisations
changes              shared memory that tells if the metadata of any organisation have changed
orgs/                the organisations (`organisation_files.py`)
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

from moorage.clock import Clock
from moorage.crm.storage.contract.storage import Complaint
from moorage.crm.storage.migrations import CRM
from moorage.crm.storage.sqlite.organisation_files import SqliteFiles
from moorage.locks import FileLock
from moorage.storage.database import Database
from moorage.storage.migrate import is_empty, migrate
from moorage.storage.readiness import complaint
from moorage.storage.trouble import disk_trouble

REGISTRY = "The embedded CRM's registry"
MAX_WAIT = 5.0  # Seconds that a write of the registry waits for its turn and for the lock.


class SqliteStorage:
    """A `CrmStorage`. `folder` is made if it is missing; only its owner can read it. Raises DatabaseUnusable."""

    transfers = None
    is_shared = False

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._registry = folder / "registry.db"
        self._url = f"sqlite:///{self._registry}"
        with disk_trouble(f"{folder}"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # If the schema is up to date, the registry is only read. So this waits for no lock of another program.
            migrate(self._url, history=CRM)
            self.organisations = SqliteFiles(folder / "orgs", clock)
        self.database = Database(self._url, clock, what=REGISTRY, patience=MAX_WAIT)

    @contextlib.asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        stack, lock = contextlib.ExitStack(), FileLock(self._folder / "organisations.lock")
        locking = asyncio.get_running_loop().run_in_executor(None, stack.enter_context, lock)
        try:
            await asyncio.shield(locking)
            yield
        finally:
            if locking.done():
                stack.close()
            else:  # The caller was cancelled, and the thread still waits for the lock.
                locking.add_done_callback(lambda _: stack.close())

    def was_used(self) -> bool:
        return not is_empty(self._url, "generations")

    def complaints(self) -> Mapping[str, Complaint]:
        return {REGISTRY: partial(complaint, self._registry)}

    async def close(self) -> None:
        self.organisations.close()
        await self.database.close()
