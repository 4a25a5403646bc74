"""The same reads on 200 thousand, a million and ten million leads: python -m benchmarks.scale --records 200000,1000000.

Building a million takes minutes and ten million about an hour; a build that is cut off goes on the next time. Each
size begins with a copy of the one before, so ten million need some 25 GB in all.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from benchmarks import data, machine
from benchmarks.figures import READS
from benchmarks.load import Beside, Candidates, Load, Sample, rounds
from benchmarks.plan import plan
from benchmarks.run import Run
from benchmarks.scene import Scene, SqliteScene, organisation_file
from benchmarks.server import running

# What no index backs: every lead is looked at, and the first has to put them all in order.
SLOW = {
    "sort_unindexed": {"criteria": "(Email_Opt_Out:equals:false)", "sort_by": "Annual_Revenue"},
    "scan_unindexed": {"criteria": "(Annual_Revenue:greater_than:999999.9)"},
}
BESIDE = "get beside sort_unindexed"


def main() -> None:
    options = _options()
    print("\n".join(machine.description()), flush=True)
    built: data.Data | None = None
    sizes = []
    for count in options.records:
        built = data.prepare(options.data, count, built)
        sizes.append(built)
    if options.build:
        return
    with ExitStack() as stack:
        candidates: Candidates = {}
        for size in sizes:
            scene = stack.enter_context(_scene(options.data, size))
            for name, load in _loads(scene, stack).items():
                candidates[f"{name} {size.count}"] = load.run
        samples = rounds(candidates, Run(options.data, options.rounds, options.seconds))
    print(table(samples, [size.count for size in sizes]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument(
        "--records",
        type=lambda text: sorted(int(one) for one in text.split(",")),
        default=[200_000, 1_000_000],
        help="how many leads, smallest first (200000,1000000)",
    )
    default = Path(tempfile.gettempdir()) / "moorage-bench"
    parser.add_argument("--data", type=Path, default=default, help=f"where the leads are kept ({default})")
    parser.add_argument("--build", action="store_true", help="build, and measure nothing")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1, help="of one candidate in each round")
    return parser.parse_args()


@contextmanager
def _scene(folder: Path, size: data.Data) -> Iterator[Scene]:
    """A server on the data itself: what is measured only reads, and a copy of ten million leads takes long."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        home = Path(name)
        (home / "crm").symlink_to(size.folder.resolve())
        made = asyncio.run(plan(home / "crm", size.count))
        with running(home) as server:
            yield SqliteScene(server, made, size.count, organisation_file(home))


def _loads(scene: Scene, stack: ExitStack) -> dict[str, Load | Beside]:
    """One caller of each, whose wait is measured."""
    loads: dict[str, Load | Beside] = {name: scene.reads(stack, name, 1) for name in READS}
    slow = {name: _slow(scene, stack, params) for name, params in SLOW.items()}
    return loads | slow | {BESIDE: Beside(scene.reads(stack, "get", 1), slow["sort_unindexed"])}


def _slow(scene: Scene, stack: ExitStack, params: Mapping[str, str]) -> Load:
    query = urlencode({**params, "fields": "Last_Name,Annual_Revenue"})
    return scene.load(stack, [scene.request("GET", f"/crm/v8/Leads/search?{query}")], 1)


def table(samples: Mapping[str, Sequence[Sample]], counts: Sequence[int]) -> str:
    """Medians of the rounds: how long a lone caller waits, and how many times as long as with the fewest leads."""
    heads = ["read", *(f"{count:,}" for count in counts), *(f"{count:,}" for count in counts[1:])]
    rows = [heads, ["---"] * len(heads)]
    for name in (*READS, *SLOW, BESIDE):
        waits = [median(one.median_us or 0 for one in samples[f"{name} {count}"]) for count in counts]
        longer = [f"{wait / waits[0]:.2f} x" for wait in waits[1:]]
        rows.append([name, *(f"{wait:,.0f} us" for wait in waits), *longer])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    main()
