"""What a channel adds to an insert of 100 leads: CPU time of this process, with and without one, in turn."""

import asyncio
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks import leads
from benchmarks.data import organisations_in
from benchmarks.figures import EVENT
from benchmarks.run import Run
from moorage.clock import SystemClock
from moorage.crm.events.channels import OPERATIONS, Channel, write_channels
from moorage.crm.metadata.standard import DEMO
from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import Prepared, to_insert
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

_BATCH = 100
_WEEK = 7 * 86_400


def measure(run: Run) -> dict[str, list[float]]:
    """The ratio of each round. Nothing is delivered."""
    with tempfile.TemporaryDirectory(prefix="events-", dir=run.folder) as name:
        return {EVENT: asyncio.run(_ratios(Path(name), run))}


async def _ratios(folder: Path, run: Run) -> list[float]:
    clock = SystemClock()
    async with organisations_in(folder, clock) as organisations:
        row = await organisations.create("bench", DEMO, sample=False)
        opened = await organisations.open(row.id)
        assert opened is not None
        batches = leads.leads(0, _BATCH * run.batches * 2 * (run.rounds + 1))
        ratios = []
        for _ in range(run.rounds + 1):
            seconds: dict[bool, list[float]] = {False: [], True: []}
            for number in range(run.batches * 2):
                is_watched = number % 2 == 1
                await _watch(opened, clock.timestamp() + _WEEK if is_watched else 0)
                seconds[is_watched].append(await _insert(opened, list(islice(batches, _BATCH))))
            ratios.append(median(seconds[True]) / median(seconds[False]))
        return ratios[1:]  # The first round warms up.


async def _watch(opened: Organisation, expiry: float) -> None:
    user = opened.metadata.all("user")[0].id
    channel = Channel(1, user, "1", "http://127.0.0.1:9/", int(expiry), {"Leads": list(OPERATIONS)})
    await opened.store.write(lambda transaction: write_channels(transaction, [channel], []))


async def _insert(opened: Organisation, records: list[dict[str, object]]) -> float:
    """The seconds that all threads of this process work for an insert."""
    module, user = opened.catalog.modules["Leads"], opened.metadata.all("user")[0].id
    prepared: list[Prepared] = to_insert(opened.catalog, module, records)

    def job(transaction: Transaction) -> None:
        Change(opened, module, user, transaction).insert(prepared)

    started = time.process_time()
    await opened.store.write(job)
    return time.process_time() - started
