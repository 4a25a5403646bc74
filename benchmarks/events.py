"""What a channel adds to an insert of 100 leads: CPU time, on both storages, with and without a channel in turn."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks import database, leads
from benchmarks.data import organisations_in
from benchmarks.figures import EVENTS
from benchmarks.postgresql_data import Home
from benchmarks.run import Run
from moorage.clock import SystemClock
from moorage.crm.events.channels import OPERATIONS, Channel, write_channels
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations
from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import Prepared, to_insert
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

_BATCH = 100
_WEEK = 7 * 86_400


def measure(run: Run) -> dict[str, list[float]]:
    """The ratios of each round. Nothing is delivered. Raises DatabaseMissing."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="events-", dir=run.folder) as name:
        folder = Path(name)
        opened = organisations_in(folder / "crm", SystemClock())
        figures = {EVENTS["sqlite"]: asyncio.run(_ratios(opened, run, time.process_time))}
        with database.fresh(folder) as (server, place):
            server.create("events")

            def seconds() -> float:
                return time.process_time() + _database_seconds(server.pid)

            (place / "home").mkdir()
            ratios = _ratios(_on_postgresql(place / "home", server.url("events")), run, seconds)
            figures[EVENTS["postgresql"]] = asyncio.run(ratios)
    return figures


@asynccontextmanager
async def _on_postgresql(folder: Path, url: str) -> AsyncIterator[Organisations]:
    async with Home(folder, url).crm(SystemClock()) as crm:
        yield crm.organisations


def _database_seconds(server: int) -> float:
    """The CPU time of PostgreSQL, by the scheduler's clock: the usual one counts in hundredths of a second."""
    took = 0
    with contextlib.suppress(OSError):  # Only Linux says it.
        for process in (str(server), *Path(f"/proc/{server}/task/{server}/children").read_text().split()):
            took += int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
    return took / 1e9


async def _ratios(
    opening: AbstractAsyncContextManager[Organisations], run: Run, seconds: Callable[[], float]
) -> list[float]:
    """`seconds` is the CPU time that was taken so far."""
    async with opening as organisations:
        row = await organisations.create("bench", DEMO, sample=False)
        opened = await organisations.open(row.id)
        assert opened is not None
        batches = leads.leads(0, _BATCH * run.batches * 2 * (run.rounds + 1))
        ratios = []
        for _ in range(run.rounds + 1):
            took: dict[bool, list[float]] = {False: [], True: []}
            for number in range(run.batches * 2):
                is_watched = number % 2 == 1
                await _watch(opened, time.time() + _WEEK if is_watched else 0)
                records = list(islice(batches, _BATCH))
                before = seconds()
                await _insert(opened, records)
                took[is_watched].append(seconds() - before)
            ratios.append(median(took[True]) / median(took[False]))
        return ratios[1:]  # The first round warms up.


async def _watch(opened: Organisation, expiry: float) -> None:
    user = opened.metadata.all("user")[0].id
    channel = Channel(1, user, "1", "http://127.0.0.1:9/", int(expiry), {"Leads": list(OPERATIONS)})
    await opened.store.write(lambda transaction: write_channels(transaction, [channel], []))


async def _insert(opened: Organisation, records: list[dict[str, object]]) -> None:
    module, user = opened.catalog.modules["Leads"], opened.metadata.all("user")[0].id
    prepared: list[Prepared] = to_insert(opened.catalog, module, records)

    def job(transaction: Transaction) -> None:
        Change(opened, module, user, transaction).insert(prepared)

    await opened.store.write(job)
