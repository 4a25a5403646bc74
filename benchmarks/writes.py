"""Inserts over HTTP, the same without HTTP, and reads while somebody inserts without pause."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice

from benchmarks import leads
from benchmarks.bare import BareInserts
from benchmarks.figures import BESIDE, INSERT, INSERT_GROUPED, INSERT_ONE
from benchmarks.load import Beside, Candidates, Sample, cpu_ratio, cpu_us, times_longer
from benchmarks.scene import Scene, SqliteScene

BATCH = 100
_READERS = 4


class Writes:
    """The loads of one scene. They make its table grow, so they come after everything that only reads."""

    def __init__(self, scene: SqliteScene, stack: ExitStack, batches: int) -> None:
        self._batches = _batches(scene, batches)
        many = list(_requests(scene, self._batches))
        self._alone, self._together = (scene.load(stack, many, connections) for connections in (1, 8))
        single = _requests(scene, [[lead] for batch in self._batches for lead in batch])
        self._single = scene.load(stack, list(single), 32)
        self._scene, self._stack = scene, stack
        self._readers = {name: scene.reads(stack, name, _READERS) for name in BESIDE}
        self._beside = {name: Beside(readers, self._alone) for name, readers in self._readers.items()}

    def candidates(self) -> Candidates:
        bare = BareInserts(self._scene.file, self._scene.plan.organisation, self._batches)
        self._stack.callback(bare.close)
        candidates: Candidates = {INSERT: self._alone.run, f"{INSERT} bare": bare.run}
        candidates |= {INSERT_GROUPED: self._together.run, INSERT_ONE: self._single.run}
        for name, beside in self._beside.items():
            candidates[f"{name} readers"] = self._readers[name].run
            candidates[f"{name} beside"] = beside.run
        return candidates

    def figures(self, samples: Mapping[str, Sequence[Sample]]) -> dict[str, list[float]]:
        bare = samples[f"{INSERT} bare"]
        figures = {
            f"crm.{INSERT}.bare_records_per_second": [one.per_second * BATCH for one in bare],
            f"crm.{INSERT}.cpu_ratio": cpu_ratio(samples[INSERT], bare),
        }
        for name, size in ((INSERT, BATCH), (INSERT_GROUPED, BATCH), (INSERT_ONE, 1)):
            figures |= _records(name, samples[name], size, bare)
        for name, beside in self._beside.items():
            readers, beside_writer = samples[f"{name} readers"], samples[f"{name} beside"]
            figures[f"crm.{name}.beside_writer.kept"] = times_longer(readers, beside_writer)
            writer = beside.others[-len(readers) :]
            figures[f"crm.{name}.beside_writer.records_per_second"] = [
                one.per_second * BATCH for one in writer
            ]
        return figures


def insertions(scene: Scene, batches: int) -> list[bytes]:
    """Requests that insert batches."""
    return list(_requests(scene, _batches(scene, batches)))


def single_insertions(scene: Scene, batches: int) -> list[bytes]:
    """Requests that insert the records of batches one by one."""
    return list(_requests(scene, [[lead] for batch in _batches(scene, batches) for lead in batch]))


def _batches(scene: Scene, count: int) -> list[list[dict[str, object]]]:
    """The leads that follow those that are there."""
    following = leads.leads(scene.records, count * BATCH)
    return [list(islice(following, BATCH)) for _ in range(count)]


def _requests(scene: Scene, batches: list[list[dict[str, object]]]) -> Iterator[bytes]:
    for batch in batches:
        yield scene.request("POST", "/crm/v8/Leads", json.dumps({"data": batch}).encode())


def _records(
    name: str, samples: Sequence[Sample], size: int, bare: Sequence[Sample]
) -> dict[str, list[float]]:
    """Of requests that hold `size` records each, and bare batches."""
    pairs = zip(samples, bare, strict=True)
    return {
        f"crm.{name}.records_per_second": [one.per_second * size for one in samples],
        f"crm.{name}.ratio": [that.per_second * BATCH / (this.per_second * size) for this, that in pairs],
        f"crm.{name}.cpu_us": cpu_us(samples),
    }
