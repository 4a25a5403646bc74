"""A PostgreSQL with many organisations, against one with few; and how long a new one takes on each storage.

Ten organisations are alone, or a hundred of a thousand are asked in turn. Ten of a thousand show which part is due to
the many that are asked.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from benchmarks import data, leads, machine
from benchmarks.database import Database
from benchmarks.figures import CROWD_INSERT, CROWD_READS
from benchmarks.load import Candidates, Load, cpu_ratio, fetched, raw, rounds, times_longer, written
from benchmarks.plan import access
from benchmarks.postgresql_data import CROWD, FEW, Home, slug
from benchmarks.run import Run
from benchmarks.server import Server
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations

_CONNECTIONS = 32
_OF_CROWD = 10  # How many of a crowd are asked, for each of few.
_FEW_OF_CROWD = "few of a crowd"
_FIRST_NEW = 1_000_000  # The number of the first lead that is inserted.
_NEW = 5  # Organisations that are made in a round.
_LIST = f"/crm/v8/Leads?fields={','.join(leads.FIVE_FIELDS)}"


def crowd(run: Run, database: Database, homes: Mapping[str, Home]) -> dict[str, list[float]]:
    """Figures of calls among few organisations and among many, and of new ones. Raises ServerFailed, LoadFailed."""
    with ExitStack() as stack:
        reads: Candidates = {}
        inserts: Candidates = {}
        few, many = run.organisations, min(run.crowd, run.organisations * _OF_CROWD)
        for name, home, held, asked in (
            (FEW, homes[FEW], few, few),
            (CROWD, homes[CROWD], run.crowd, many),
            (_FEW_OF_CROWD, homes[CROWD].beside(), run.crowd, few),
        ):
            tokens = asyncio.run(_tokens(home, range(0, held, held // asked)[:asked]))
            server = stack.enter_context(home.serving())
            for call, requests in _requests(server, tokens).items():
                file = stack.enter_context(written(requests))
                # One writes, because several would share commits, and more of them among few organisations.
                connections = 1 if call == CROWD_INSERT else _CONNECTIONS
                load = Load(server.crm, file, connections, server.pid, database=database.pid)
                (inserts if call == CROWD_INSERT else reads)[f"{call} {name}"] = load.run
        # Each connection meets each organisation several times before PostgreSQL has planned its statements for good.
        warm = replace(run, warm_up=run.warm_up * _OF_CROWD)
        # Inserts come last, because they make the lists of few organisations longer than those of many.
        samples = rounds(reads, warm) | rounds(inserts, warm)
    figures = asyncio.run(_new(run, homes[CROWD], database))
    for call in (*CROWD_READS, CROWD_INSERT):
        alone, crowded, same = (samples[f"{call} {name}"] for name in (FEW, CROWD, _FEW_OF_CROWD))
        name = f"postgresql.crowd.{call}"
        figures[f"{name}.per_second"] = [one.per_second for one in crowded]
        figures[f"{name}.crowd_ratio"] = times_longer(crowded, alone)
        figures[f"{name}.same_ratio"] = times_longer(same, alone)
        figures[f"{name}.cpu_ratio"] = cpu_ratio(crowded, alone)
        figures[f"{name}.database_cpu_ratio"] = [
            this.database_cpu_us / that.database_cpu_us
            for this, that in zip(crowded, alone, strict=True)
            if this.database_cpu_us and that.database_cpu_us
        ]
    return figures


async def _tokens(home: Home, numbers: range) -> list[str]:
    async with home.crm(SystemClock()) as service:
        return [(await access(service, slug(number)))[1] for number in numbers]


def _requests(server: Server, tokens: list[str]) -> dict[str, list[bytes]]:
    """The requests of each call, each with the tokens in turn."""
    lists, gets, inserts = [], [], []
    for token, lead in zip(tokens, leads.leads(_FIRST_NEW, len(tokens)), strict=True):
        authorization = f"Zoho-oauthtoken {token}"
        records = json.loads(fetched(server.crm + _LIST, authorization))["data"]
        lists.append(raw("GET", _LIST, {"Authorization": authorization}))
        gets.append(raw("GET", f"/crm/v8/Leads/{records[0]['id']}", {"Authorization": authorization}))
        body = json.dumps({"data": [lead]}).encode()
        inserts.append(raw("POST", "/crm/v8/Leads", {"Authorization": authorization}, body))
    return dict(zip((*CROWD_READS, CROWD_INSERT), (lists, gets, inserts), strict=True))


@dataclass(frozen=True, slots=True)
class _Made:
    """What a new organisation takes: time, CPU time of this process, and of PostgreSQL."""

    milliseconds: float
    cpu: float
    database_cpu: float


async def _new(run: Run, home: Home, database: Database) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as folder:
        async with (
            home.crm(SystemClock()) as service,
            data.organisations_in(Path(folder), SystemClock()) as in_sqlite,
        ):
            here, there, numbers = [], [], count()
            for _ in range(run.rounds + 1):
                here.append(await _made(service.organisations, numbers, database))
                there.append(await _made(in_sqlite, numbers, database))
    del here[0], there[0]  # They loaded modules, and opened connections.
    name = "postgresql.new_organisation"
    pairs = zip(here, there, strict=True)
    return {
        f"{name}.milliseconds": [each.milliseconds for each in here],
        f"{name}.sqlite_milliseconds": [each.milliseconds for each in there],
        f"{name}.times_sqlite": [this.milliseconds / that.milliseconds for this, that in pairs],
        f"{name}.cpu_milliseconds": [each.cpu for each in here],
        f"{name}.database_cpu_milliseconds": [each.database_cpu for each in here],
    }


async def _made(organisations: Organisations, numbers: "count[int]", database: Database) -> _Made:
    before = machine.cpu_us(database.pid)
    started, cpu = time.perf_counter(), time.process_time()
    for _ in range(_NEW):
        await organisations.create(f"new-{next(numbers)}", DEMO, sample=False)
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    after = machine.cpu_us(database.pid)
    of_database = (after - before) / 1000 if after is not None and before is not None else 0.0
    return _Made(took / _NEW * 1000, cpu / _NEW * 1000, of_database / _NEW)
