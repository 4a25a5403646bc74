"""The CRM's answers over HTTP, against the statements they run on the database, and against a constant answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from benchmarks import constant, machine
from benchmarks.bare import BareReads
from benchmarks.figures import DEPTH, FLOOR_RATIOS, READS
from benchmarks.load import (
    Candidates,
    Load,
    Sample,
    cpu_ratio,
    cpu_us,
    fetched,
    rounds,
    times_longer,
    times_the_sum,
    written,
)
from benchmarks.plan import Read
from benchmarks.run import Run
from benchmarks.scene import SqliteScene, scene
from benchmarks.writes import Writes

_CONNECTIONS = 32


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure of the CRM: a value for each round. Raises ServerFailed, LoadFailed."""
    # The bare calls run in this process: on the core of the server, which waits meanwhile.
    with scene(run) as measured, machine.on_core(machine.SERVER_CORE), ExitStack() as stack:
        figures = _figures(rounds(_reads(measured, stack), run))
        writes = Writes(measured, stack, run.batches)
        figures |= writes.figures(rounds(writes.candidates(), run))
        memory = machine.memory_mb(measured.server.pid, "Pss_Anon")
    return figures | {"crm.memory_mb": [] if memory is None else [memory]}


def _reads(measured: SqliteScene, stack: ExitStack) -> Candidates:
    candidates: Candidates = {"constant": _constant(measured, stack)}
    for name in READS:
        read = measured.plan.reads[name]
        _check(measured, read)
        candidates[name] = measured.reads(stack, name, _CONNECTIONS).run
        bare = BareReads(measured.file, measured.plan.organisation, read.answers)
        stack.callback(bare.close)
        candidates[f"{name} bare"] = bare.run
    return candidates


def _constant(measured: SqliteScene, stack: ExitStack) -> Callable[[float], Sample]:
    """What gets are answered without a look at them."""
    served = stack.enter_context(constant.running())
    file = stack.enter_context(written(measured.questions("get")))
    return Load(served.url, file, _CONNECTIONS, served.pid).run


def _check(measured: SqliteScene, read: Read) -> None:
    """A fast wrong answer is worth nothing: the server has to give what its bare statements give."""
    answer = json.loads(fetched(measured.server.crm + read.targets[0], measured.authorization))
    bare = BareReads(measured.file, measured.plan.organisation, read.answers[:1])
    rows = bare.rows()
    bare.close()
    shown = [json.loads(row[-1]) for row in rows][: len(answer["data"])]
    assert answer["data"] == shown, f"{read.targets[0]} isn't what the database holds"


def _figures(samples: Mapping[str, Sequence[Sample]]) -> dict[str, list[float]]:
    constants = samples["constant"]
    figures: dict[str, list[float]] = {
        "crm.constant.per_second": [one.per_second for one in constants],
        "crm.constant.cpu_us": cpu_us(constants),
    }
    for name in FLOOR_RATIOS:
        figures[f"crm.{name}.floor_ratio"] = times_the_sum(samples[name], constants, samples[f"{name} bare"])
        figures[f"crm.{name}.constant_ratio"] = times_longer(samples[name], constants)
        figures[f"crm.{name}.constant_cpu_ratio"] = cpu_ratio(samples[name], constants)
    for name in READS:
        over_http, bare = samples[name], samples[f"{name} bare"]
        figures[f"crm.{name}.per_second"] = [one.per_second for one in over_http]
        figures[f"crm.{name}.bare_per_second"] = [one.per_second for one in bare]
        figures[f"crm.{name}.ratio"] = times_longer(over_http, bare)
        figures[f"crm.{name}.cpu_us"] = cpu_us(over_http)
        figures[f"crm.{name}.cpu_ratio"] = cpu_ratio(over_http, bare)
        if name.endswith(DEPTH):
            shallow = samples[name.removesuffix(f".{DEPTH}")]
            figures[f"crm.{name}.depth_ratio"] = times_longer(over_http, shallow)
    return figures
