"""The machine: which core does what, the CPU time of a process, and what is installed."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import apsw

_TICK = 1_000_000 / os.sysconf("SC_CLK_TCK")  # Microseconds in the kernel's unit of CPU time.
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
PINNED = len(_CORES) > 1
SERVER_CORE, LOAD_CORE = (_CORES[0], _CORES[1]) if PINNED else (None, None)


def server_core(workers: int) -> int | None:
    """Where a server runs: on its core if it has one worker, else wherever the load leaves room."""
    return SERVER_CORE if workers == 1 else None


def load_core(workers: int) -> int | None:
    """Where the load runs: on its core beside a server of one worker, else anywhere, as the server does."""
    return LOAD_CORE if workers == 1 else None


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Keep this process, and those it starts, on one core until the block ends; with one core only, or elsewhere than
    on Linux, processes run where they like."""
    _pin(core)
    try:
        yield
    finally:
        unpin(0)


def unpin(pid: int) -> None:
    """Let a process, and those that it starts from now on, run where they like."""
    if PINNED:
        os.sched_setaffinity(pid, _CORES)


def start(command: list[str], core: int | None, **options: object) -> "subprocess.Popen[bytes]":
    """Start a program on a core of its own."""
    return subprocess.Popen(command, preexec_fn=lambda: _pin(core), **options)  # type: ignore[call-overload,no-any-return]  # noqa: PLW1509


def _pin(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def cpu_us(pid: int) -> float | None:
    """The CPU time that a process and its descendants have taken, those that have ended included; None where there is
    no /proc.
    """
    family, times = {pid}, {}
    for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        try:
            # The command's name may hold anything, so fields are counted from its closing bracket.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        one = int(stat.parent.name)
        # Its own, and that of the children that it has waited for.
        times[one] = sum(map(int, fields[11:15])) * _TICK
        if int(fields[1]) in family:
            family.add(one)
    return sum(times[one] for one in family) if pid in times else None


def memory_mb(pid: int, counted: str = "Pss") -> float | None:
    """The memory of a process that serves, or of its largest worker if it has some; None where there is no /proc.

    Of what processes share, each counts its part. Counted as `Pss_Anon`, files that are mapped stand aside: the system
    takes back their room when it needs some.
    """
    children = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if f"PPid:\t{pid}\n" in status.read_text():
                children.append(_own_kb(status.parent, counted))
        except OSError:
            continue  # It has ended.
    try:
        return max(children or [_own_kb(Path("/proc") / str(pid), counted)]) / 1024
    except OSError:
        return None


def _own_kb(process: Path, counted: str) -> int:
    found = re.search(rf"^{counted}: +(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def program(name: str) -> str | None:
    """The path of an installed program; servers often live where only root looks."""
    return shutil.which(
        name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )


def description() -> list[str]:
    """The lines that say on what the figures were taken."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("moorage", "uvicorn", "uvloop", "httptools"))
    cores = (
        f"servers on core {SERVER_CORE}, load on core {LOAD_CORE}" if PINNED else "nothing pinned to a core"
    )
    return [
        f"Machine: {_model()}, {os.cpu_count()} cores; {cores}.",
        f"System: {platform.system()} {platform.release()}, Python {platform.python_version()}.",
        f"Versions: {libraries}, apsw {apsw.apsw_version()} (SQLite {apsw.sqlite_lib_version()}).",
        f"Load before: {os.getloadavg()[0]:.1f} (above 0.5 others are at work here: trust the cpu figures only).",
        f"nginx: {_nginx()}. Load generator: {'wrk' if program('wrk') else 'ours, in Python (wrk is not installed)'}.",
    ]


def _model() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found.group(1) if found else platform.processor() or platform.machine()


def _nginx() -> str:
    path = program("nginx")
    if path is None:
        return "not installed"
    shown = subprocess.run([path, "-v"], capture_output=True, text=True, check=False).stderr
    return shown.partition("/")[2].strip() or "unknown version"


def interpreter(*arguments: str) -> list[str]:
    """A command line that runs this Python."""
    return [sys.executable, *arguments]
