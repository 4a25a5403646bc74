"""The CRM's answers over HTTP, against the statements they run on the database."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks import data, leads, machine
from benchmarks.bare import BareInserts, BareReads
from benchmarks.figures import DEPTH, READS
from benchmarks.load import Load, Sample, cpu_ratio, cpu_us, fetched, raw, rounds, written
from benchmarks.plan import Plan, Read, plan
from benchmarks.server import Server, running

Candidates: TypeAlias = dict[str, Callable[[int], Sample]]

INSERT = "insert_batch_100"
_READ_CONNECTIONS, _INSERT_CONNECTIONS = 32, 1
_BATCHES, _BATCH = 40, 100


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is measured: a server over a copy of the data, and what it is to be asked."""

    server: Server
    plan: Plan
    file: Path
    records: int


def measure(folder: Path, count: int, seconds: int) -> dict[str, list[float]]:
    """Every figure of the CRM: a value for each of `count` rounds. Raises ServerFailed, LoadFailed."""
    with _scene(folder) as scene, ExitStack() as stack:
        # The bare calls run in this process: on the core of the server, which waits meanwhile.
        machine.pin(machine.SERVER_CORE)
        samples = rounds(_reads(scene, stack), count, seconds)
        # Inserts come last, because they make the table grow.
        samples |= rounds(_inserts(scene, stack), count, seconds)
    return _figures(samples)


@contextmanager
def _scene(folder: Path) -> Iterator[_Scene]:
    ready = data.prepare(folder)
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        home = Path(name)
        data.copy(ready, home / "crm")
        made = asyncio.run(plan(home / "crm", ready.count))
        with running(home) as server:
            yield _Scene(server, made, home / "crm" / "orgs" / f"{data.SLUG}.db", ready.count)


def _reads(scene: _Scene, stack: ExitStack) -> Candidates:
    candidates: Candidates = {}
    for name in READS:
        read = scene.plan.reads[name]
        _check(scene, read)
        requests = [raw("GET", target, _headers(scene)) for target in read.targets]
        file = stack.enter_context(written(requests))
        candidates[name] = Load(scene.server.crm, file, _READ_CONNECTIONS, scene.server.pid).run
        bare = BareReads(scene.file, scene.plan.organisation, read.answers)
        stack.callback(bare.close)
        candidates[f"{name} bare"] = bare.run
    return candidates


def _inserts(scene: _Scene, stack: ExitStack) -> Candidates:
    batches = [list(leads.leads(scene.records + number * _BATCH, _BATCH)) for number in range(_BATCHES)]
    bodies = [json.dumps({"data": batch}).encode() for batch in batches]
    requests = [raw("POST", "/crm/v8/Leads", _headers(scene), body) for body in bodies]
    file = stack.enter_context(written(requests))
    bare = BareInserts(scene.file, scene.plan.organisation, batches)
    stack.callback(bare.close)
    load = Load(scene.server.crm, file, _INSERT_CONNECTIONS, scene.server.pid)
    return {INSERT: load.run, f"{INSERT} bare": bare.run}


def _headers(scene: _Scene) -> dict[str, str]:
    return {"Authorization": _authorization(scene)}


def _authorization(scene: _Scene) -> str:
    return f"Zoho-oauthtoken {scene.plan.token}"


def _check(scene: _Scene, read: Read) -> None:
    """A fast wrong answer is worth nothing: the server has to give what its bare statements give."""
    answer = json.loads(fetched(scene.server.crm + read.targets[0], _authorization(scene)))
    bare = BareReads(scene.file, scene.plan.organisation, read.answers[:1])
    rows = bare.rows()
    bare.close()
    shown = [json.loads(row[-1]) for row in rows][: len(answer["data"])]
    assert answer["data"] == shown, f"{read.targets[0]} isn't what the database holds"


def _figures(samples: dict[str, list[Sample]]) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    for name in READS:
        over_http, bare = samples[name], samples[f"{name} bare"]
        figures[f"crm.{name}.per_second"] = [one.per_second for one in over_http]
        figures[f"crm.{name}.bare_per_second"] = [one.per_second for one in bare]
        figures[f"crm.{name}.ratio"] = _times_longer(over_http, bare)
        figures[f"crm.{name}.cpu_us"] = cpu_us(over_http)
        figures[f"crm.{name}.cpu_ratio"] = cpu_ratio(over_http, bare)
        if name.endswith(DEPTH):
            shallow = samples[name.removesuffix(f".{DEPTH}")]
            figures[f"crm.{name}.depth_ratio"] = _times_longer(over_http, shallow)
    over_http, bare = samples[INSERT], samples[f"{INSERT} bare"]
    figures[f"crm.{INSERT}.records_per_second"] = [one.per_second * _BATCH for one in over_http]
    figures[f"crm.{INSERT}.bare_records_per_second"] = [one.per_second * _BATCH for one in bare]
    figures[f"crm.{INSERT}.ratio"] = _times_longer(over_http, bare)
    figures[f"crm.{INSERT}.cpu_us"] = cpu_us(over_http)
    figures[f"crm.{INSERT}.cpu_ratio"] = cpu_ratio(over_http, bare)
    return figures


def _times_longer(these: Sequence[Sample], those: Sequence[Sample]) -> list[float]:
    """How many times as long as one of those one of these takes, round by round."""
    return [that.per_second / this.per_second for this, that in zip(these, those, strict=True)]
