"""Bulk jobs in one process: how many records a job reads or writes in a second, and how much memory a read takes."""

import asyncio
import csv
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import data, leads
from benchmarks.figures import BULK_READ, BULK_WRITE
from benchmarks.run import Run
from moorage.clock import SystemClock
from moorage.crm.jobs import bulk_read, store, write_model
from moorage.crm.jobs.bulk_read import ReadRequest
from moorage.crm.jobs.model import BulkJob
from moorage.crm.jobs.write_model import Resource, WriteRequest
from moorage.crm.jobs.zipped import StoredZip
from moorage.crm.service import CrmService
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.storage.sqlite.storage import SqliteStorage

ROWS = 25_000
_MB = 1024 * 1024
# Those that a request can set; `Owner` and times are left to the CRM.
_WRITTEN = [
    name
    for name in leads.TWENTY_FIELDS
    if name not in {"Owner", "Created_Time", "Modified_Time", "Full_Name"}
]


def measure(run: Run) -> dict[str, list[float]]:
    ready = data.prepare(run.folder, run.leads)
    with tempfile.TemporaryDirectory(prefix="bulk-", dir=run.folder) as name:
        folder = Path(name) / "crm"
        data.copy(ready, folder)
        return asyncio.run(_measured(folder, run))


async def _measured(folder: Path, run: Run) -> dict[str, list[float]]:
    crm = CrmService(SqliteStorage(folder, SystemClock()), folder, SystemClock(), "")
    try:
        row = (await crm.organisations.list())[0]
        figures: dict[str, list[float]] = {}
        await _read(crm, row.id)  # It warms up.
        for _ in range(run.rounds):
            for name, value in (await _read(crm, row.id)).items():
                figures.setdefault(f"{BULK_READ}.{name}", []).append(value)
        for number in range(run.rounds):
            for name, value in (await _write(crm, row.id, number, min(ROWS, run.leads))).items():
                figures.setdefault(f"{BULK_WRITE}.{name}", []).append(value)
        return figures
    finally:
        await crm.close()


async def _read(crm: CrmService, identity: int) -> dict[str, float]:
    request = ReadRequest("Leads", fields=list(leads.TWENTY_FIELDS))
    before = _memory(reset=True)
    seconds, cpu, job = await _run(crm, identity, bulk_read.KIND, msgspec.to_builtins(request))
    count = job.progress["count"]
    return {
        "records_per_second": count / seconds,
        "records_per_cpu_second": count / cpu,
        "memory_mb": (_memory() - before) / _MB,
    }


async def _write(crm: CrmService, identity: int, number: int, count: int) -> dict[str, float]:
    organisation = await _opened(crm, identity)
    zipped = StoredZip(organisation.store)
    zipped.begin("leads.csv")
    first = 10_000_000 + number * count
    await zipped.write(sheet(leads.leads(first, count)))
    await zipped.finish()
    user = organisation.metadata.all("user")[0].id
    file = await organisation.store.write(lambda transaction: zipped.add(transaction, "leads.zip", user))
    request = WriteRequest("insert", "UTF-8", [Resource("Leads", 1, file.key, [])], [[]])
    seconds, cpu, job = await _run(crm, identity, write_model.KIND, msgspec.to_builtins(request))
    added = job.progress["files"][0]["added"]
    assert added == count, job.progress
    return {"records_per_second": added / seconds, "records_per_cpu_second": added / cpu}


def sheet(records: Iterator[dict[str, Any]]) -> bytes:
    """CSV of what a bulk write may set of these leads."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_WRITTEN)
    for record in records:
        writer.writerow([record.get(name) for name in _WRITTEN])
    return out.getvalue().encode()


async def _run(crm: CrmService, identity: int, kind: str, request: Any) -> tuple[float, float, BulkJob]:
    """The seconds that a job took, those of all threads of this process, and the job at its end."""
    organisation = await _opened(crm, identity)
    user = organisation.metadata.all("user")[0].id

    def add(transaction: Transaction) -> int:
        return store.add(transaction, kind, user, request).id

    job = await organisation.store.write(add)
    started, cpu = time.monotonic(), time.process_time()
    await crm.bulk_jobs.run(identity, job)
    seconds, used = time.monotonic() - started, time.process_time() - cpu
    ended = await store.find(await _opened(crm, identity), job)
    assert ended is not None
    assert ended.state == "completed"
    return seconds, used, ended


async def _opened(crm: CrmService, identity: int) -> Organisation:
    organisation = await crm.organisations.open(identity)
    assert organisation is not None
    return organisation


def _memory(*, reset: bool = False) -> int:
    """The most memory that this process has had since the last reset, in bytes; with `reset`, what it has now."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
