"""Two workers on one organisation, against one."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import data
from benchmarks.figures import WORKERS_INSERT, WORKERS_READS
from benchmarks.load import Candidates, rounds, times_longer
from benchmarks.plan import plan
from benchmarks.run import Run
from benchmarks.scene import Scene, SqliteScene, organisation_file
from benchmarks.server import running
from benchmarks.writes import BATCH, insertions

_CONNECTIONS = 32
_WRITERS = 8


def measure(run: Run) -> dict[str, list[float]]:
    """Raises ServerFailed, LoadFailed."""
    with _scenes(run) as (one, two), ExitStack() as stack:
        inserts = insertions(one, run.batches)  # The data of both is the same, and so are the tokens.
        candidates = _candidates("one", one, inserts, stack) | _candidates("two", two, inserts, stack)
        samples = rounds(candidates, run)
    figures: dict[str, list[float]] = {}
    for name in (*WORKERS_READS, WORKERS_INSERT):
        alone, both = samples[f"{name} one"], samples[f"{name} two"]
        is_insert = name == WORKERS_INSERT
        rate = "records_per_second" if is_insert else "per_second"
        figures[f"crm.workers2.{name}.{rate}"] = [s.per_second * (BATCH if is_insert else 1) for s in both]
        figures[f"crm.workers2.{name}.speedup"] = times_longer(alone, both)
    return figures


def _candidates(which: str, scene: Scene, inserts: list[bytes], stack: ExitStack) -> Candidates:
    found: Candidates = {
        f"{name} {which}": scene.reads(stack, name, _CONNECTIONS).run for name in WORKERS_READS
    }
    found[f"{WORKERS_INSERT} {which}"] = scene.load(stack, inserts, _WRITERS).run
    return found


@contextmanager
def _scenes(run: Run) -> Iterator[tuple[Scene, Scene]]:
    """A server of one worker and one of two, each on data of its own, both on whichever cores they like."""
    ready = data.prepare(run.folder, run.leads)
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name, ExitStack() as stack:
        first, second = Path(name) / "1", Path(name) / "2"
        data.copy(ready, first / "crm")
        made = asyncio.run(plan(first / "crm", ready.count))
        shutil.copytree(first, second)
        # Each is given the room that the other needs, or the one would be measured on a core, the other on two.
        servers = [
            (home, stack.enter_context(running(home, workers=workers, pinned=False)))
            for home, workers in ((first, 1), (second, 2))
        ]
        one, two = (
            SqliteScene(server, made, ready.count, organisation_file(home), workers=2)
            for home, server in servers
        )
        yield one, two
