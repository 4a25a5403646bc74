"""A CRM in PostgreSQL.

moorage_crm     the list of organisations; the accounts server's clients and tokens
org_1234567     an organisation (`schemas.py`)
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from moorage.clock import Clock
from moorage.crm.storage.contract.storage import Complaint
from moorage.crm.storage.migrations import CRM
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import LONG_WORK, PostgresqlServer
from moorage.crm.storage.postgresql.servers import PostgresqlServers
from moorage.crm.storage.postgresql.transfers import PostgresqlTransfers
from moorage.storage.database import Database
from moorage.storage.lease import KeptConnection, Lease
from moorage.storage.migrate import is_empty, migrate

REGISTRY = "The embedded CRM's database"
MAX_WAIT = 5.0  # Seconds that a write of the registry waits for its turn.
ORGANISATIONS = "organisations"  # The name of the lease for work on whole organisations.


class PostgresqlStorage:
    """A `CrmStorage`. `servers` are more servers of organisations: by name, their URLs. Raises DatabaseUnusable.

    `connections` is how many each process opens for records, to each server. Two of them are for work on whole
    organisations, a fourth of them writes, and the others read.
    """

    is_shared = True

    def __init__(
        self, url: str, clock: Clock, connections: int, servers: Mapping[str, str] | None = None
    ) -> None:
        self._url = url
        migrate(url, history=CRM)
        writers = max(1, connections // 4)
        open_server = partial(
            PostgresqlServer, reads=max(1, connections - writers - LONG_WORK), writers=writers
        )
        self._servers = PostgresqlServers(url, servers or {}, open_server)
        self.organisations = PostgresqlSchemas(self._servers.of, clock)
        self.transfers = PostgresqlTransfers(self._servers)
        self._for_leases = KeptConnection()
        self.database = Database(url, clock, what=REGISTRY, patience=MAX_WAIT, schema=CRM.schema)

    @contextlib.asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        async with Lease(self._url, CRM.schema, ORGANISATIONS, self._for_leases) as lease:
            yield
            lease.require_held()

    def was_used(self) -> bool:
        return not is_empty(self._url, "generations", CRM)

    def complaints(self) -> Mapping[str, Complaint]:
        return {}

    async def close(self) -> None:
        self._for_leases.close()
        await asyncio.to_thread(self._servers.close)
        await self.database.close()
