"""The CRM on PostgreSQL, against the statements it asks, and against SQLite on the same leads."""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import data, machine
from benchmarks.bare_postgresql import BareQueries
from benchmarks.crowd import crowd
from benchmarks.database import Database
from benchmarks.figures import BOTH_INSERTS, BOTH_READS, INSERT, INSERT_GROUPED, INSERT_ONE
from benchmarks.jobs import drain
from benchmarks.load import Candidates, Sample, cpu_us, fetched, rounds, times_longer
from benchmarks.plan import plan
from benchmarks.postgresql_data import LEADS, Home, made
from benchmarks.replicas import replicas
from benchmarks.run import Run
from benchmarks.scene import Scene
from benchmarks.server import running
from benchmarks.writes import BATCH, insertions, single_insertions

_CONNECTIONS = 32
_WRITERS = {INSERT: 1, INSERT_GROUPED: 8, INSERT_ONE: 32}


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure of PostgreSQL: a value for each round. Raises DatabaseMissing, ServerFailed, LoadFailed."""
    # The bare calls run in this process: on the core of the servers, which wait meanwhile.
    with made(run) as (database, homes), machine.on_core(machine.SERVER_CORE):
        figures = crowd(run, database, homes)
        with _both(run, database, homes[LEADS]) as scenes, ExitStack() as stack:
            figures |= _reads(run, scenes, homes[LEADS], stack)
            figures |= _inserts(run, scenes, stack)
        database.settle()
        return figures | replicas(run, database, homes[LEADS]) | _jobs(run, homes[LEADS])


Scenes = tuple[Scene, Scene]  # SQLite's, and PostgreSQL's.


@contextmanager
def _both(run: Run, database: Database, home: Home) -> Iterator[Scenes]:
    ready = data.prepare(run.folder, run.leads)
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name, ExitStack() as stack:
        folder = Path(name)
        data.copy(ready, folder / "crm")
        asked = asyncio.run(plan(folder / "crm", ready.count))
        sqlite = Scene(stack.enter_context(running(folder)), asked, ready.count)
        asked = asyncio.run(home.plan(ready.count))
        server = stack.enter_context(home.serving())
        yield sqlite, Scene(server, asked, ready.count, database=database.pid)


def _reads(run: Run, scenes: Scenes, home: Home, stack: ExitStack) -> dict[str, list[float]]:
    sqlite, postgresql = scenes
    candidates: Candidates = {}
    for name in BOTH_READS:
        if name != "get":  # Each has ids of its own.
            _check(scenes, name)
        candidates[f"{name} sqlite"] = sqlite.reads(stack, name, _CONNECTIONS).run
        candidates[name] = postgresql.reads(stack, name, _CONNECTIONS).run
        bare = BareQueries(home.url, postgresql.plan.reads[name].answers)
        stack.callback(bare.close)
        candidates[f"{name} bare"] = bare.run
    samples = rounds(candidates, run)
    figures: dict[str, list[float]] = {}
    for name in BOTH_READS:
        over_http, bare_samples = samples[name], samples[f"{name} bare"]
        figures |= _compared(f"postgresql.{name}", "per_second", over_http, samples[f"{name} sqlite"])
        figures[f"postgresql.{name}.bare_per_second"] = [one.per_second for one in bare_samples]
        figures[f"postgresql.{name}.ratio"] = times_longer(over_http, bare_samples)
        figures[f"postgresql.{name}.cpu_ratio"] = [
            ours.cpu_us / (bare.cpu_us + ours.database_cpu_us)
            for ours, bare in zip(over_http, bare_samples, strict=True)
            if ours.cpu_us and bare.cpu_us and ours.database_cpu_us
        ]
    return figures


def _check(scenes: Scenes, name: str) -> None:
    """A fast wrong answer is worth nothing: both have to show the same."""
    answers = []
    for scene in scenes:
        target = scene.plan.reads[name].targets[0]
        answer = json.loads(fetched(scene.server.crm + target, scene.authorization))
        answers.append(
            [(record["Last_Name"], record["Email"], record["Company"]) for record in answer["data"]]
        )
    assert answers[0] == answers[1], f"{name}: the storages give different answers"


def _inserts(run: Run, scenes: Scenes, stack: ExitStack) -> dict[str, list[float]]:
    """They make the tables grow, so they come after everything that only reads."""
    candidates: Candidates = {}
    for name, writers in _WRITERS.items():
        for scene, side in zip(scenes, (f"{name} sqlite", name), strict=True):
            of_scene = single_insertions if name == INSERT_ONE else insertions
            candidates[side] = scene.load(stack, of_scene(scene, run.batches), writers).run
    samples = rounds(candidates, run)
    figures: dict[str, list[float]] = {}
    for name in BOTH_INSERTS:
        size = 1 if name == INSERT_ONE else BATCH
        ours, theirs = samples[name], samples[f"{name} sqlite"]
        figures |= _compared(f"postgresql.{name}", "records_per_second", ours, theirs, size)
    return figures


def _compared(
    name: str, rate: str, these: Sequence[Sample], sqlite: Sequence[Sample], size: int = 1
) -> dict[str, list[float]]:
    """Answers of PostgreSQL's storage, of `size` records each, against those of SQLite's."""
    return {
        f"{name}.{rate}": [one.per_second * size for one in these],
        f"{name}.sqlite_{rate}": [one.per_second * size for one in sqlite],
        f"{name}.sqlite_ratio": times_longer(sqlite, these),
        f"{name}.cpu_us": cpu_us(these),
        f"{name}.sqlite_cpu_us": cpu_us(sqlite),
        f"{name}.database_cpu_us": [one.database_cpu_us for one in these if one.database_cpu_us is not None],
    }


def _jobs(run: Run, home: Home) -> dict[str, list[float]]:
    """Figures of one run. `not_once` is the part of the jobs that were left out, or done again."""
    drained = asyncio.run(drain(home.url, count=run.jobs))
    return {
        "postgresql.jobs.per_second": [drained.per_second],
        "postgresql.jobs.not_once": [(run.jobs - drained.done + drained.notes - drained.done) / run.jobs],
    }
