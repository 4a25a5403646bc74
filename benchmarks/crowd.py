"""A PostgreSQL with many organisations, against one with few; and how long a new one takes on each storage."""

import asyncio
import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from benchmarks import data, leads
from benchmarks.database import Database
from benchmarks.figures import CROWD_READS
from benchmarks.load import Candidates, Load, fetched, raw, rounds, times_longer, written
from benchmarks.plan import access
from benchmarks.postgresql_data import CROWD, FEW, Home, slug
from benchmarks.run import Run
from benchmarks.server import Server
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations

_CONNECTIONS = 32
_NEW = 5  # Organisations that are made in a round.
_LIST = f"/crm/v8/Leads?fields={','.join(leads.FIVE_FIELDS)}"


def crowd(run: Run, database: Database, homes: Mapping[str, Home]) -> dict[str, list[float]]:
    """Figures of reads from equally many organisations, and of new ones. Raises ServerFailed, LoadFailed."""
    with ExitStack() as stack:
        candidates: Candidates = {}
        for name, held in ((FEW, run.organisations), (CROWD, run.crowd)):
            home = homes[name]
            asked = range(0, held, held // run.organisations)[: run.organisations]
            tokens = asyncio.run(_tokens(home, asked))
            server = stack.enter_context(home.serving())
            for read, requests in _requests(server, tokens).items():
                file = stack.enter_context(written(requests))
                load = Load(server.crm, file, _CONNECTIONS, server.pid, database=database.pid)
                candidates[f"{read} {name}"] = load.run
        samples = rounds(candidates, run)
    figures = asyncio.run(_new(run, homes[CROWD]))
    for read in CROWD_READS:
        few, many = samples[f"{read} {FEW}"], samples[f"{read} {CROWD}"]
        figures[f"postgresql.crowd.{read}.per_second"] = [one.per_second for one in many]
        figures[f"postgresql.crowd.{read}.crowd_ratio"] = times_longer(many, few)
    return figures


async def _tokens(home: Home, numbers: range) -> list[str]:
    async with home.crm(SystemClock()) as service:
        return [(await access(service, slug(number)))[1] for number in numbers]


def _requests(server: Server, tokens: list[str]) -> dict[str, list[bytes]]:
    """The requests of each read, each with the tokens in turn."""
    lists, gets = [], []
    for token in tokens:
        authorization = f"Zoho-oauthtoken {token}"
        records = json.loads(fetched(server.crm + _LIST, authorization))["data"]
        lists.append(raw("GET", _LIST, {"Authorization": authorization}))
        gets.append(raw("GET", f"/crm/v8/Leads/{records[0]['id']}", {"Authorization": authorization}))
    return dict(zip(CROWD_READS, (lists, gets), strict=True))


async def _new(run: Run, home: Home) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as folder:
        async with (
            home.crm(SystemClock()) as service,
            data.organisations_in(Path(folder), SystemClock()) as in_sqlite,
        ):
            here, there, numbers = [], [], count()
            for _ in range(run.rounds + 1):
                here.append(await _milliseconds(service.organisations, numbers))
                there.append(await _milliseconds(in_sqlite, numbers))
    del here[0], there[0]  # They loaded modules, and opened connections.
    name = "postgresql.new_organisation"
    return {
        f"{name}.milliseconds": here,
        f"{name}.sqlite_milliseconds": there,
        f"{name}.times_sqlite": [this / that for this, that in zip(here, there, strict=True)],
    }


async def _milliseconds(organisations: Organisations, numbers: "count[int]") -> float:
    started = time.perf_counter()
    for _ in range(_NEW):
        await organisations.create(f"new-{next(numbers)}", DEMO, sample=False)
    return (time.perf_counter() - started) / _NEW * 1000
