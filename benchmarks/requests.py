"""What the request log and access lines cost the gateway: three servers, of which one keeps no record of calls."""

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine, nginx
from benchmarks.figures import LOGGED, LOGS
from benchmarks.gateway import APP, AUTHORIZATION, PATHS, TOKEN, body_of, connected
from benchmarks.load import Candidates, Load, Sample, cpu_ratio, fetched, raw, rounds, times_longer, written
from benchmarks.run import Run
from benchmarks.server import running
from moorage.connections.model import Upstream

_CONNECTIONS = 32
# How often all servers start anew. By chance, a process is a percent or two slower than another one for as long as it
# lives, as its data lie elsewhere in memory. Many rounds with the same processes would measure that, too.
_SITTINGS = 3
_SETTINGS = {
    "off": {"MOORAGE_REQUESTS_KEPT": "0", "MOORAGE_LOG_LEVEL": "warning"},
    "log": {"MOORAGE_LOG_LEVEL": "warning"},
    "lines": {"MOORAGE_LOG_LEVEL": "info"},
}


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure, none without nginx. Raises ServerFailed, NginxFailed, LoadFailed."""
    if machine.program("nginx") is None:
        print("requests: not measured, because nginx is not installed (Debian: apt-get install nginx).")
        return {}
    run.folder.mkdir(parents=True, exist_ok=True)
    samples: dict[str, list[Sample]] = {way: [] for way in _SETTINGS}
    for _ in range(min(_SITTINGS, run.rounds)):
        for way, more in _sitting(run).items():
            samples[way] += more
    figures: dict[str, list[float]] = {}
    for way in LOGS:
        figures[f"requests.{way}.ratio"] = times_longer(samples["off"], samples[way])
        figures[f"requests.{way}.cpu_ratio"] = cpu_ratio(samples[way], samples["off"])
    return figures


def _sitting(run: Run) -> dict[str, list[Sample]]:
    """All rounds, with new servers."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name, ExitStack() as stack:
        folder, body = Path(name), body_of(LOGGED)
        files = {PATHS[LOGGED]: body}
        upstream = stack.enter_context(nginx.upstream(folder / "upstream", files, AUTHORIZATION, None))
        candidates: Candidates = {}
        for way, settings in _SETTINGS.items():
            home = folder / way
            key = asyncio.run(connected(home, Upstream("remote", base_url=upstream.url), TOKEN))
            server = stack.enter_context(running(home, settings=settings))
            path = f"/{APP}/{PATHS[LOGGED]}?fields=Last_Name"
            assert fetched(server.gateway + path, f"Bearer {key}") == body, "the gateway changed the body"
            request = raw("GET", path, {"Authorization": f"Bearer {key}", "Accept": "application/json"})
            file = stack.enter_context(written([request]))
            candidates[way] = Load(server.gateway, file, _CONNECTIONS, server.pid, machine.load_core(1)).run
        return rounds(candidates, run)
