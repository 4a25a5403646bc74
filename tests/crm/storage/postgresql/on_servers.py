"""Organisations on several PostgreSQL servers, as a process has them; run as a program, a move that dies at a step."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from moorage.clock import SystemClock
from moorage.crm.metadata.shown import shape
from moorage.crm.organisations.service import Organisations
from moorage.crm.storage.contract.records import Order, StoreClosed, Window
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.servers import PostgresqlServers
from moorage.crm.storage.postgresql.transfers import PostgresqlTransfers
from moorage.crm.storage.sqlite.storage import SqliteStorage


class OnServers(SqliteStorage):
    """A `CrmStorage` whose registry is a file, with organisations on the server `main` and on others by name."""

    def __init__(self, folder: Path, main: str, others: dict[str, str]) -> None:
        super().__init__(folder, SystemClock())
        self.organisations.close()
        self.servers = PostgresqlServers(main, others)
        self.organisations = PostgresqlSchemas(self.servers.of, SystemClock())
        self.transfers = PostgresqlTransfers(self.servers)

    async def close(self) -> None:
        await super().close()
        self.servers.close()


class Process:
    """The organisations of a folder, as a process has them."""

    def __init__(self, folder: Path, main: str, others: dict[str, str]) -> None:
        self.storage = OnServers(folder, main, others)
        self.organisations = Organisations(self.storage, folder / "snapshots", SystemClock())
        self.database = self.storage.database

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.organisations.close()
        await self.storage.close()

    async def call(self, slug, call):
        """Call with the open organisation, again if it was closed, as the CRM's door does."""
        row = await self.organisations.find(slug)
        for _ in range(5):
            organisation = await self.organisations.open(row.id)
            try:
                return await call(organisation)
            except StoreClosed:
                continue
        raise StoreClosed

    async def add(self, slug, *names, module="Leads"):
        """Add records; gives their ids, once that is acknowledged."""

        async def call(organisation):
            return await organisation.store.write(lambda tx: _insert(tx, organisation, module, names))

        return await self.call(slug, call)

    async def change(self, slug, change):
        """Call `change` with a transaction and the organisation."""

        async def call(organisation):
            return await organisation.store.write(lambda tx: change(tx, organisation))

        return await self.call(slug, call)

    async def names(self, slug, module="Leads"):
        """All records' ids with their names."""

        async def call(organisation):
            found = organisation.catalog.modules[module]
            name = found.display.api_name
            order = Order(found.fields["id"], descending=False)
            store, shown = organisation.store, shape(found, (name,))
            pages, offset = {}, 0
            while True:
                page = await store.page(found, shown, (), order, Window(200, offset))
                pages |= {int(record["id"]): record[name] for record in json.loads(page.data)}
                offset += page.count
                if not page.more:
                    return pages

        return await self.call(slug, call)

    async def server(self, slug):
        return (await self.organisations.find(slug)).server


def _insert(tx, organisation, module, names):
    found = organisation.catalog.modules[module]
    ids = list(tx.new_ids(len(names)))
    rows = [{"id": record, found.display.column: name} for record, name in zip(ids, names, strict=True)]
    tx.insert(found, rows)
    return ids


async def _move_and_die(folder, main, others, server, last):
    def report(step, *_):
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    async with Process(Path(folder), main, json.loads(others)) as process:
        await process.organisations.move("acme", server, report)


if __name__ == "__main__":
    asyncio.run(_move_and_die(*sys.argv[1:]))
