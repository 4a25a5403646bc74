"""Load on a server: wrk where it is installed, else a client of ours, in a process and on a core of its own."""

import json
import resource
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from benchmarks import machine
from benchmarks.run import Run

WRK_SECONDS = 1  # It knows no shorter run, and none of a part of a second.
_PATIENCE = 60  # Seconds by which a run may take longer than it should.


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. `cpu_us` is the server's CPU time for one answer, `median_us` how long a caller waits for one.

    `database_cpu_us` is the CPU time of the database's own processes for one answer. `cores` is known of loads that run
    `Together`.
    """

    per_second: float
    cpu_us: float | None = None
    median_us: float | None = None
    database_cpu_us: float | None = None
    cores: "Cores | None" = None


@dataclass(frozen=True, slots=True)
class Cores:
    """How many cores each kept busy in a run: the servers, their database, and the load generators."""

    servers: float
    database: float
    load: float


# What is measured, by name: a function of the seconds that it may take.
Candidates: TypeAlias = dict[str, Callable[[float], Sample]]


class LoadFailed(Exception):
    """Answers were refused or connections broke, so the run says nothing."""


class Load:
    """Requests that are sent to a server in turn, over connections that are kept.

    `pid` is the server's process, `database` that of the PostgreSQL behind it.
    """

    def __init__(
        self,
        url: str,
        requests: Path,
        connections: int,
        pid: int,
        core: int | None = machine.LOAD_CORE,
        database: int | None = None,
    ) -> None:
        self._url, self._requests, self._connections, self._pid = url, requests, connections, pid
        self._core, self._database = core, database
        self._least = 0.0  # Seconds that a run has to take, as far as is known.

    def run(self, seconds: float) -> Sample:
        """Raises LoadFailed."""
        watched = [pid for pid in (self._pid, self._database) if pid is not None]
        before = [machine.cpu_us(pid) for pid in watched]
        outcome = self._answered(seconds)
        after = [machine.cpu_us(pid) for pid in watched]
        answers = outcome["answers"]
        if not answers or outcome["refused"] or outcome["broken"]:
            raise LoadFailed(f"{self._url}: {outcome}")
        cpus = [
            (end - begin) / answers if begin is not None and end is not None else None
            for begin, end in zip(before, after, strict=True)
        ]
        of_database = cpus[1] if self._database is not None else None
        return Sample(answers / outcome["seconds"], cpus[0], outcome["median_us"], of_database)

    def _answered(self, seconds: float) -> dict[str, float]:
        """What came of a run that was long enough for an answer; of a shorter one the load generators tell nothing."""
        while True:
            self._least = max(self._least, seconds)
            outcome = self._result(self._least)
            if outcome["answers"] or outcome["refused"] or outcome["broken"] or self._least >= _PATIENCE:
                return outcome
            self._least *= 4

    def _result(self, seconds: float) -> dict[str, float]:
        process = machine.start(self._command(seconds), self._core, stdout=subprocess.PIPE)
        try:
            output, _ = process.communicate(timeout=seconds + _PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise LoadFailed(f"{self._url}: the load generator did not end.") from None
        lines = output.decode().strip().splitlines()
        if process.returncode or not lines:
            raise LoadFailed(f"The load generator ended with status {process.returncode}.")
        result: dict[str, float] = json.loads(lines[-1])
        return result

    def _command(self, seconds: float) -> list[str]:
        wrk = machine.program("wrk")
        if wrk is None or seconds < WRK_SECONDS:
            parts = urlsplit(self._url)
            plain = [parts.hostname or "", str(parts.port), str(self._requests)]
            return machine.interpreter(
                "-m", "benchmarks.client", *plain, str(self._connections), str(seconds)
            )
        script = str(Path(__file__).with_name("wrk.lua"))
        amount = ["-t1", f"-c{self._connections}", f"-d{seconds:.0f}s", "--timeout", f"{_PATIENCE}s"]
        return [wrk, *amount, "-s", script, self._url, "--", str(self._requests)]


def fetched(url: str, authorization: str) -> bytes:
    """The body of one answer, so that it can be checked before it is timed. Raises LoadFailed."""
    return answer_to(urllib.request.Request(url, headers={"Authorization": authorization}))


def answer_to(request: urllib.request.Request) -> bytes:
    """The body of an answer without an error. Raises LoadFailed, with the beginning of a body that tells the error."""
    call = f"{request.get_method()} {request.full_url}"
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise LoadFailed(f"{call}: {error.code} {error.read(500)!r}") from error
    except OSError as error:
        raise LoadFailed(f"{call}: {error}") from error
    return body


class Together:
    """Loads on several servers at the same time, as one. The servers have one database, whose process is given."""

    def __init__(self, loads: Sequence[Load], database: int) -> None:
        self._loads = loads
        self._database = database

    def run(self, seconds: float) -> Sample:
        """Raises LoadFailed."""
        started, database, load = time.perf_counter(), machine.cpu_us(self._database), _load_seconds()
        with ThreadPoolExecutor(len(self._loads)) as pool:
            samples = list(pool.map(lambda load: load.run(seconds), self._loads))
        took, used = time.perf_counter() - started, machine.cpu_us(self._database)
        rate = sum(one.per_second for one in samples)
        servers = sum((one.cpu_us or 0) * one.per_second for one in samples) / 1e6
        of_database = (used - database) / 1e6 / took if used is not None and database is not None else 0.0
        cores = Cores(servers, of_database, (_load_seconds() - load) / took)
        return Sample(rate, servers * 1e6 / rate or None, cores=cores)


def _load_seconds() -> float:
    """The CPU time of all children that have ended, as load generators do after each run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class AnyLoad(Protocol):
    def run(self, seconds: float) -> Sample: ...


class Beside:
    """A load while another one runs against the same server."""

    def __init__(self, measured: Load, other: AnyLoad) -> None:
        self.others: list[Sample] = []  # One for each run.
        self._measured, self._other = measured, other

    def run(self, seconds: float) -> Sample:
        """Raises LoadFailed."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._other.run, seconds)
            sample = self._measured.run(seconds)
            self.others.append(running.result())
        return sample


@contextmanager
def written(requests: Sequence[bytes]) -> Iterator[Path]:
    """A file of requests, each after a line with its length, for as long as it is needed."""
    with tempfile.NamedTemporaryFile(suffix=".requests") as file:
        for request in requests:
            file.write(b"%d\n%b" % (len(request), request))
        file.flush()
        yield Path(file.name)


def raw(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def rounds(candidates: Candidates, run: Run) -> dict[str, list[Sample]]:
    """Run every candidate once in each round, so that what disturbs the machine disturbs all of them."""
    if run.warm_up:
        for measure in candidates.values():
            measure(run.warm_up)
    samples: dict[str, list[Sample]] = {name: [] for name in candidates}
    for _ in range(run.rounds):
        for name, measure in candidates.items():
            samples[name].append(measure(run.seconds))
    return samples


def cpu_us(samples: Sequence[Sample]) -> list[float]:
    return [one.cpu_us for one in samples if one.cpu_us is not None]


def cpu_ratio(these: Sequence[Sample], those: Sequence[Sample]) -> list[float]:
    """How many times the CPU time of one of those one of these takes, round by round."""
    pairs = zip(these, those, strict=True)
    return [this.cpu_us / that.cpu_us for this, that in pairs if this.cpu_us and that.cpu_us]


def times_longer(these: Sequence[Sample], those: Sequence[Sample]) -> list[float]:
    """How many times as long as one of those one of these takes, round by round."""
    return [that.per_second / this.per_second for this, that in zip(these, those, strict=True)]


def times_the_sum(these: Sequence[Sample], *parts: Sequence[Sample]) -> list[float]:
    """How many times as long as one of each of the parts together one of these takes, round by round."""
    return [
        1 / sum(this.per_second / part.per_second for part in others)
        for this, *others in zip(these, *parts, strict=True)
    ]
