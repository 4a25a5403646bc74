"""Make each change in a copy of the project and run the tests that should notice it."""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutations import ROOT, Change, changes

TIMEOUT = 300.0


def copy(folder: Path) -> Path:
    """The project as git knows it, with what is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        # The package's documentation is a link to a folder of the project.
        if name and ((ROOT / name).is_file() or (ROOT / name).is_symlink()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def notice(root: Path, change: Change) -> str:
    """What the tests say of a change: the first line of a failure, or nothing where all of them pass."""
    path = root / "src" / "moorage" / change.file
    source = path.read_text()
    change.apply(root)
    tests = [str(root / "tests" / test) for test in change.tests]
    # The environment has this project's own code installed; the copy's goes before it.
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *tests],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "they did not end"
    finally:
        path.write_text(source)
    if run.returncode == 0:
        return ""
    said = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR", "E  "))]
    return (said or run.stdout.splitlines() or run.stderr.splitlines() or ["they could not run"])[0][:140]


def main() -> int:
    """How many changes nobody noticed."""
    parser = argparse.ArgumentParser(prog="script/mutate", description=__doc__)
    parser.add_argument("words", nargs="*", help="only changes whose promise or file contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args()
    chosen = [
        c for c in changes() if not options.words or any(w in f"{c.promise} {c.file}" for w in options.words)
    ]
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def judge(change: Change) -> bool:
        root, begun = copies.get(), time.monotonic()
        try:
            said = notice(root, change)
        finally:
            copies.put(root)
        verdict = (
            f"noticed      {change.promise}: {said}"
            if said
            else f"NOT NOTICED  {change.promise} ({change.file})"
        )
        print(f"{time.monotonic() - begun:4.0f} s  {verdict}", flush=True)
        return bool(said)

    with (
        tempfile.TemporaryDirectory(prefix="moorage-mutations-") as folder,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        for number in range(options.jobs):
            copies.put(copy(Path(folder) / str(number)))
        noticed = list(pool.map(judge, chosen))
    print(f"{sum(noticed)} of {len(noticed)} changes were noticed")
    return len(noticed) - sum(noticed)


sys.exit(min(main(), 99))
