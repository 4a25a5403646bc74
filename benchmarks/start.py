"""How soon a server answers on a data folder that has grown: some organisations, one of them with many records."""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks import data, leads, machine
from benchmarks.load import fetched
from benchmarks.plan import plan
from benchmarks.run import Run
from benchmarks.server import ServerFailed, running
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO

_IMPORT = "import uvicorn, sqlalchemy, apsw"


def measure(run: Run) -> dict[str, list[float]]:
    """Raises ServerFailed, LoadFailed."""
    ready = data.prepare(run.folder, run.leads)
    seconds, imports, memory = [], [], []
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name:
        home = Path(name)
        data.copy(ready, home / "crm")
        asyncio.run(_add_organisations(home / "crm", run.organisations - 1))
        token = asyncio.run(plan(home / "crm", ready.count)).token
        target = f"/crm/v8/Leads?fields={','.join(leads.FIVE_FIELDS)}"
        with running(home):
            pass  # The very first start makes keys, too.
        for _ in range(run.rounds):
            imports.append(_import_seconds())
            started = time.perf_counter()
            with running(home) as server:
                fetched(server.crm + target, f"Zoho-oauthtoken {token}")
                seconds.append(time.perf_counter() - started)
                memory.append(machine.memory_mb(server.pid, "Pss_Anon"))
    return {
        "start.seconds": seconds,
        "start.import_seconds": imports,
        "start.ratio": [this / that for this, that in zip(seconds, imports, strict=True)],
        "start.memory_mb": [one for one in memory if one is not None],
    }


def _import_seconds() -> float:
    """How long it takes to load the largest libraries of a server, where the server would load them."""
    started = time.perf_counter()
    process = machine.start(machine.interpreter("-c", _IMPORT), machine.SERVER_CORE)
    if process.wait():
        raise ServerFailed(f"`{_IMPORT}` ended with status {process.returncode}")
    return time.perf_counter() - started


async def _add_organisations(folder: Path, count: int) -> None:
    async with data.organisations_in(folder, SystemClock()) as organisations:
        for number in range(count):
            await organisations.create(f"more-{number}", DEMO, sample=True)
