"""Two processes of Moorage on one database, against one; and what of the processor each took that was at work."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from benchmarks import machine
from benchmarks.database import Database
from benchmarks.figures import REPLICAS_READS
from benchmarks.load import Candidates, Sample, Together, cpu_ratio, rounds, times_longer
from benchmarks.postgresql_data import Home
from benchmarks.run import Run
from benchmarks.scene import Scene

_CONNECTIONS = 32


def replicas(run: Run, database: Database, home: Home) -> dict[str, list[float]]:
    """Figures of one process, then of two. All run on whichever cores they like. Raises ServerFailed, LoadFailed."""
    asked = asyncio.run(home.plan(run.leads))
    with ExitStack() as stack:
        machine.unpin(0)
        machine.unpin(database.pid)
        servers = [stack.enter_context(each.serving(pinned=False)) for each in (home, home.beside())]
        scenes = [Scene(server, asked, run.leads, workers=2) for server in servers]
        candidates: Candidates = {}
        for name in REPLICAS_READS:
            loads = [scene.reads(stack, name, _CONNECTIONS) for scene in scenes]
            candidates[f"{name} one"] = Together(loads[:1], database.pid).run
            candidates[name] = Together(loads, database.pid).run
        samples = rounds(candidates, run)
    return _figures(samples)


def _figures(samples: Mapping[str, Sequence[Sample]]) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    for read in REPLICAS_READS:
        one, two, name = samples[f"{read} one"], samples[read], f"postgresql.replicas2.{read}"
        figures[f"{name}.per_second"] = [sample.per_second for sample in two]
        figures[f"{name}.speedup"] = times_longer(one, two)
        figures[f"{name}.cpu_ratio"] = cpu_ratio(two, one)
        figures[f"{name}.cpu_speedup"] = [2 / ratio for ratio in figures[f"{name}.cpu_ratio"]]
        for which, measured in (("one_", one), ("", two)):
            cores = [sample.cores for sample in measured if sample.cores is not None]
            figures[f"{name}.{which}cores"] = [each.servers for each in cores]
            figures[f"{name}.{which}database_cores"] = [each.database for each in cores]
            figures[f"{name}.{which}load_cores"] = [each.load for each in cores]
    return figures
