"""A CRM in PostgreSQL.

moorage_crm     the list of organisations; the accounts server's clients and tokens
org_1234567     an organisation (`schemas.py`)
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from moorage.clock import Clock
from moorage.crm.storage.contract.storage import Complaint
from moorage.crm.storage.migrations import CRM
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import LONG_WORK, PostgresqlServer
from moorage.storage.database import Database
from moorage.storage.lease import Lease
from moorage.storage.migrate import is_empty, migrate

REGISTRY = "The embedded CRM's database"
MAX_WAIT = 5.0  # Seconds that a write of the registry waits for its turn.
ORGANISATIONS = "organisations"  # The name of the lease for work on whole organisations.


class PostgresqlStorage:
    """A `CrmStorage`. `connections` is how many each process opens for records. Raises DatabaseUnusable.

    Two of them are for work on whole organisations, a fourth of them writes, and the others read.
    """

    transfers = None
    is_shared = True

    def __init__(self, url: str, clock: Clock, connections: int) -> None:
        self._url = url
        migrate(url, history=CRM)
        writers = max(1, connections // 4)
        self._server = PostgresqlServer(url, reads=max(1, connections - writers - LONG_WORK), writers=writers)
        self.organisations = PostgresqlSchemas(lambda _name: self._server, clock)
        self.database = Database(url, clock, what=REGISTRY, patience=MAX_WAIT, schema=CRM.schema)

    @contextlib.asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        async with Lease(self._url, CRM.schema, ORGANISATIONS) as lease:
            yield
            lease.require_held()

    def was_used(self) -> bool:
        return not is_empty(self._url, "generations", CRM)

    def complaints(self) -> Mapping[str, Complaint]:
        return {}

    async def close(self) -> None:
        await asyncio.to_thread(self._server.close)
        await self.database.close()
