"""The embedded CRM through the gateway, in one process with it, against the CRM's own origin."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import data
from benchmarks.figures import EMBEDDED
from benchmarks.gateway import APP, connected
from benchmarks.load import Candidates, Load, cpu_ratio, cpu_us, fetched, raw, rounds, written
from benchmarks.plan import Plan, plan
from benchmarks.run import Run
from benchmarks.server import running
from moorage.connections.model import Upstream

_CONNECTIONS = 32


@contextmanager
def connected_home(run: Run) -> Iterator[tuple[Path, Plan, str]]:
    """A data folder with the data and a connection to them, what can be asked, and an API key."""
    ready = data.prepare(run.folder, run.leads)
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name:
        home = Path(name)
        data.copy(ready, home / "crm")
        made = asyncio.run(plan(home / "crm", ready.count))
        key = asyncio.run(connected(home, Upstream("embedded", organisation=data.SLUG), made.token))
        yield home, made, key


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure of the way through both. Raises ServerFailed, LoadFailed."""
    with connected_home(run) as (home, made, key), ExitStack() as stack:
        server = stack.enter_context(running(home))
        target = made.reads[EMBEDDED].targets[0]
        ways = {
            "gateway": (server.gateway, f"/{APP}{target}", f"Bearer {key}"),
            "origin": (server.crm, target, f"Zoho-oauthtoken {made.token}"),
        }
        answers = {fetched(url + path, authorization) for url, path, authorization in ways.values()}
        assert len(answers) == 1, "the gateway changed the body"
        candidates: Candidates = {}
        for way, (url, path, authorization) in ways.items():
            file = stack.enter_context(written([raw("GET", path, {"Authorization": authorization})]))
            candidates[way] = Load(url, file, _CONNECTIONS, server.pid).run
        samples = rounds(candidates, run)
    ours, origin = samples["gateway"], samples["origin"]
    name = f"embedded.{EMBEDDED}"
    return {
        f"{name}.per_second": [one.per_second for one in ours],
        f"{name}.ratio": [that.per_second / this.per_second for this, that in zip(ours, origin, strict=True)],
        f"{name}.cpu_us": cpu_us(ours),
        f"{name}.cpu_ratio": cpu_ratio(ours, origin),
    }
