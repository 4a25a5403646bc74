"""How soon a server answers on a data folder that has grown: ten organisations, one with 200,000 records."""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks import data, leads, machine
from benchmarks.load import fetched
from benchmarks.plan import plan
from benchmarks.server import running
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations

_MORE_ORGANISATIONS = 9


def measure(folder: Path, count: int, _seconds: int) -> dict[str, list[float]]:
    """Raises ServerFailed, LoadFailed."""
    ready = data.prepare(folder)
    seconds, memory = [], []
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        home = Path(name)
        data.copy(ready, home / "crm")
        _add_organisations(home / "crm")
        token = asyncio.run(plan(home / "crm", ready.count)).token
        target = f"/crm/v8/Leads?fields={','.join(leads.FIVE_FIELDS)}"
        with running(home):
            pass  # The very first start makes keys, too.
        for _ in range(count):
            started = time.perf_counter()
            with running(home) as server:
                fetched(server.crm + target, f"Zoho-oauthtoken {token}")
                seconds.append(time.perf_counter() - started)
                memory.append(machine.memory_mb(server.pid, "Pss_Anon"))
    return {"start.seconds": seconds, "start.memory_mb": [one for one in memory if one is not None]}


def _add_organisations(folder: Path) -> None:
    organisations = Organisations(folder, SystemClock())
    try:
        for number in range(_MORE_ORGANISATIONS):
            organisations.create(f"more-{number}", DEMO, sample=True)
    finally:
        organisations.close()
