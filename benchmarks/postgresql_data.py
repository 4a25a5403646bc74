"""What is measured on PostgreSQL: the leads of `data.py`, few organisations, and many. Each run has a copy."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import moorage.crm.storage.postgresql
from benchmarks import data, database
from benchmarks.bare_postgresql import overheard
from benchmarks.database import Database
from benchmarks.plan import Plan, plan_of
from benchmarks.run import Run
from benchmarks.server import Server, running
from moorage.clock import Clock, FrozenClock, SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations
from moorage.crm.service import CrmService
from moorage.rooms import Rooms, Urls
from moorage.settings import load
from moorage.storage.migrate import migrate

LEADS, FEW, CROWD = "leads", "few", "crowd"
_DECIDE = (
    "schema",
    "documents",
    "row_writing",
    "fulltext",
    "lexemes",
)  # The modules that say what is stored.
_LEADS_OF_ONE = 20
_VAULT_KEY = "".join(f"{byte:02x}" for byte in range(32))


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder, and the URL of its databases."""

    folder: Path
    url: str

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "MOORAGE_HOME": str(self.folder),
            "MOORAGE_DATABASE_URL": self.url,
            "MOORAGE_CRM_DATABASE_URL": self.url,
            "MOORAGE_VAULT_KEY": _VAULT_KEY,
        }

    @asynccontextmanager
    async def crm(self, clock: Clock) -> AsyncIterator[CrmService]:
        settings = load(self.settings)
        migrate(settings.database_url)
        rooms = Rooms(settings, Urls("http://127.0.0.1", "http://127.0.0.1"), clock)
        try:
            yield rooms.crm
        finally:
            await rooms.close()

    async def plan(self, records: int) -> Plan:
        """As `plan.plan`."""
        with overheard() as statements:
            async with self.crm(SystemClock()) as service:
                return await plan_of(service, records, statements)

    def beside(self) -> "Home":
        """That of another machine, on the same databases."""
        folder = self.folder.with_name(f"{self.folder.name}-beside")
        shutil.copytree(self.folder, folder)
        return Home(folder, self.url)

    def serving(self, *, pinned: bool = True) -> AbstractContextManager[Server]:
        return running(self.folder, pinned=pinned, settings=self.settings)


@contextmanager
def made(run: Run) -> Iterator[tuple[Database, Mapping[str, Home]]]:
    """A PostgreSQL with the homes, on the core of the load. Raises DatabaseMissing."""
    storage = Path(moorage.crm.storage.postgresql.__file__).parent
    sources = [*(storage / f"{name}.py" for name in _DECIDE), Path(__file__)]
    kept = run.folder / f"postgresql-{run.leads}-{run.organisations}-{run.crowd}-{data.fingerprint(*sources)}"
    with database.running(run.folder, kept, partial(_build, run)) as (server, folder):
        yield server, {name: Home(folder / name, server.url(name)) for name in (LEADS, FEW, CROWD)}


def _build(run: Run, server: Database, folder: Path) -> None:
    for name, organisations in ((LEADS, 0), (FEW, run.organisations), (CROWD, run.crowd)):
        home = Home(folder / name, server.url(name))
        home.folder.mkdir()
        server.create(name)
        asyncio.run(_fill(home, organisations) if organisations else _fill_leads(home, run.leads))


async def _fill_leads(home: Home, count: int) -> None:
    clock = FrozenClock(datetime.now(UTC) - timedelta(days=30))
    async with home.crm(clock) as service:
        # PostgreSQL ends a transaction that says nothing for long, as many batches together may on a busy machine.
        await data.fill(service.organisations, clock, count, at_once=1)


async def _fill(home: Home, count: int) -> None:
    async with home.crm(SystemClock()) as service:
        organisations = service.organisations
        row = await organisations.create(slug(0), DEMO, sample=False)
        for number in range(1, count):  # While one is filled, the next one is made.
            filling = _fill_one(organisations, row.id, number - 1)
            row, _ = await asyncio.gather(organisations.create(slug(number), DEMO, sample=False), filling)
        await _fill_one(organisations, row.id, count - 1)


async def _fill_one(organisations: Organisations, identity: int, number: int) -> None:
    await data.insert(organisations, identity, number * _LEADS_OF_ONE, _LEADS_OF_ONE)
    await organisations.forget(identity)


def slug(number: int) -> str:
    return f"{data.SLUG}-{number}"
