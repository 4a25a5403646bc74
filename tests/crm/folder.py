"""A CRM in a folder, as a process has it."""

import contextlib
import sqlite3

from moorage.crm.organisations.service import Organisations
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.sqlite.storage import SqliteStorage
from tests.waited import Waited

ORIGIN = "http://127.0.0.1:8788"


def crm_in(folder, clock, api_domain=ORIGIN, open_slug=None, storage=None) -> CrmService:
    """The CRM in a folder, as a process has it."""
    return CrmService(storage or SqliteStorage(folder, clock), folder, clock, api_domain, open_slug)


def crm_on_server(folder, url, clock) -> CrmService:
    """The CRM in a folder, with the records in PostgreSQL, as a process has it."""
    storage = SqliteStorage(folder, clock)
    storage.organisations.close()
    server = PostgresqlServer(url)
    storage.organisations = PostgresqlSchemas(lambda _: server, clock)
    return crm_in(folder, clock, storage=storage)


def organisations_in(folder, clock, storage=None):
    """The organisations of a folder, as a process has them, waited for."""
    storage = storage or SqliteStorage(folder, clock)
    organisations = Organisations(storage, folder / "snapshots", clock)

    async def close():
        await organisations.close()
        await storage.close()

    return Waited(organisations, close)


def change_registry(folder, *statements):
    """Uses the library that Moorage uses: if another library closes the file, this process loses its locks."""
    with contextlib.closing(sqlite3.connect(folder / "registry.db", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
