"""script/bench: take the figures, print them as a table, and write them as JSON where that is wished."""

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks import (
    beside_jobs,
    bulk,
    console,
    coql,
    crm,
    embedded,
    events,
    files,
    gateway,
    machine,
    mcp,
    postgresql,
    requests,
    start,
    workers,
)
from benchmarks.database import DatabaseMissing
from benchmarks.load import LoadFailed
from benchmarks.nginx import NginxFailed
from benchmarks.report import document, table
from benchmarks.run import LEADS, LEAST_LEADS, Run
from benchmarks.server import ServerFailed

SECTIONS = {
    "gateway": gateway.measure,
    "requests": requests.measure,
    "embedded": embedded.measure,
    "mcp": mcp.measure,
    "console": console.measure,
    "crm": crm.measure,
    "events": events.measure,
    "coql": coql.measure,
    "bulk": bulk.measure,
    "beside_jobs": beside_jobs.measure,
    "files": files.measure,
    "workers": workers.measure,
    "start": start.measure,
    "postgresql": postgresql.measure,
}


def main() -> None:
    options = _options()
    started = time.monotonic()
    print("\n".join(machine.description()), flush=True)
    run = Run(options.data, options.rounds, options.seconds, leads=options.leads)
    measured: dict[str, list[float]] = {}
    for name, measure in SECTIONS.items():
        if options.only not in {None, name}:
            continue
        try:
            measured |= measure(run)
        except (ServerFailed, NginxFailed, LoadFailed, DatabaseMissing) as error:
            print(f"{name}: not measured. {error}", flush=True)
    print(
        f"Run: {options.rounds} rounds of {options.seconds} s each, {time.monotonic() - started:.0f} s in all.\n"
    )
    print(table(measured))
    if options.json is not None:
        options.json.write_text(json.dumps(document(measured), indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure the gateway and the CRM.")
    parser.add_argument("--only", choices=SECTIONS, help="one part instead of all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument(
        "--quick", action="store_true", help="2 rounds of 1 second: a look, not a measurement"
    )
    parser.add_argument("--rounds", type=_positive, help="how often each candidate is measured (7)")
    parser.add_argument("--seconds", type=_positive, help="how long each time, in whole seconds (2)")
    default = Path(tempfile.gettempdir()) / "moorage-bench"
    parser.add_argument(
        "--data",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"where the built leads are kept ({default})",
    )
    parser.add_argument(
        "--leads", type=_positive, default=LEADS, help=f"how many leads the CRM holds ({LEADS:,})"
    )
    options = parser.parse_args()
    if options.leads < LEAST_LEADS:
        parser.error(f"--leads: the least is {LEAST_LEADS}")
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = options.seconds or (1 if options.quick else 2)
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    main()
