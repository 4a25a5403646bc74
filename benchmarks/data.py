"""The organisation that is measured: its leads are built once through the store and kept for the next run."""

import asyncio
import contextlib
import hashlib
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import moorage.crm
from benchmarks import leads
from moorage.clock import Clock, FrozenClock
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations
from moorage.crm.records.changes import Change
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.prepare import to_insert
from moorage.crm.service import CrmService
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Order, Page, StoreClosed, Transaction, Window
from moorage.crm.storage.sqlite.storage import SqliteStorage
from moorage.locks import FileLock

SLUG = "bench"
_BATCH = 1_000
_AT_ONCE = 20
_SECONDS_APART = 3600  # Between commits, so that times differ as they do in an organisation that grew.


@dataclass(frozen=True, slots=True)
class Data:
    """A CRM folder that holds the organisation."""

    folder: Path
    count: int


def prepare(base: Path, count: int, smaller: Data | None = None) -> Data:
    """The data below `base`, built unless an earlier run left it there for the same tables and generator.

    A build that was cut off goes on where it stopped. It begins with a copy of `smaller`, where that is given.
    """
    folder = base / f"leads-{count}-{fingerprint()}"
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / "build.lock"):  # Two that build the same would each add what the other has added.
        if not folder.exists():
            draft = folder.with_suffix(".partial")
            for outdated in base.glob(f"leads-{count}-*"):
                if outdated != draft:
                    shutil.rmtree(outdated)
            if smaller is not None and not draft.exists():
                copied = folder.with_suffix(".copy")
                copy(smaller, copied)
                copied.rename(draft)  # Whole, or not there.
            _build(draft, count)
            draft.rename(folder)
    return Data(folder, count)


def copy(data: Data, target: Path) -> None:
    """A copy to measure on: what a run inserts must not grow the data of the next."""
    shutil.copytree(data.folder, target)


def fingerprint(*more: Path) -> str:
    """Differs when the tables or the leads would, or one of `more` files."""
    crm = Path(moorage.crm.__file__).parent
    sqlite, metadata = crm / "storage" / "sqlite", crm / "metadata"
    sources = [sqlite / "schema.py", sqlite / "fulltext.py", metadata / "catalog.py"]
    sources += [*sorted((metadata / "standard").iterdir()), Path(leads.__file__), Path(__file__), *more]
    digest = hashlib.sha256()
    for source in filter(Path.is_file, sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _build(folder: Path, count: int) -> None:
    started = time.monotonic()
    clock = FrozenClock(datetime.now(UTC) - timedelta(days=30))
    there = asyncio.run(_filled(folder, clock, count))
    print(f"Built {count - there:,} leads in {time.monotonic() - started:.0f} s", file=sys.stderr)


@contextlib.asynccontextmanager
async def organisations_in(folder: Path, clock: Clock) -> AsyncIterator[Organisations]:
    """The organisations of a CRM folder, as a process opens them."""
    crm = CrmService(SqliteStorage(folder, clock), folder, clock, "")
    try:
        yield crm.organisations
    finally:
        await crm.close()


async def _filled(folder: Path, clock: FrozenClock, count: int) -> int:
    async with organisations_in(folder, clock) as organisations:
        return await fill(organisations, clock, count)


async def fill(organisations: Organisations, clock: FrozenClock, count: int, at_once: int = _AT_ONCE) -> int:
    """Fill the organisation, which is made if it is missing; gives how many leads it had.

    So many batches `at_once` share a commit.
    """
    rows = await organisations.list()
    row = rows[0] if rows else await organisations.create(SLUG, DEMO, sample=False)
    organisation = await _opened(organisations, row.id)
    users = cycle(user.id for user in organisation.metadata.all("user") if user.body["status"] == "active")
    there = await organisation.store.count(organisation.catalog.modules["Leads"], [])
    if there:
        clock.advance((await _time_of_last(organisation) - clock.now()).total_seconds() + _SECONDS_APART)
    records = leads.leads(there, count - there)
    while group := [(next(users), batch) for _ in range(at_once) if (batch := list(islice(records, _BATCH)))]:
        while group:
            group = await _inserted(await _opened(organisations, row.id), group)
        clock.advance(_SECONDS_APART)
    return there


async def insert(organisations: Organisations, identity: int, first: int, count: int) -> None:
    """Add some leads, in one batch, to an organisation."""
    organisation = await _opened(organisations, identity)
    user = organisation.metadata.all("user")[0].id
    batches = [(user, list(leads.leads(first, count)))]
    while batches:
        batches = await _inserted(await _opened(organisations, identity), batches)


async def _opened(organisations: Organisations, identity: int) -> Organisation:
    organisation = await organisations.open(identity)
    assert organisation is not None
    return organisation


async def _inserted(
    organisation: Organisation, batches: list[tuple[int, list[dict[str, Any]]]]
) -> list[tuple[int, list[dict[str, Any]]]]:
    """Insert batches together, each as a user; gives those for which the organisation has to be opened again."""
    jobs = [_insertion(organisation, user, batch) for user, batch in batches]
    answers = await asyncio.gather(*(organisation.store.write(job) for job in jobs), return_exceptions=True)
    left = []
    for batch, outcomes in zip(batches, answers, strict=True):
        if isinstance(outcomes, StoreClosed):
            left.append(batch)
        elif isinstance(outcomes, BaseException):
            raise outcomes
        else:
            assert all(outcome.status == 201 for outcome in outcomes), outcomes
    return left


async def _time_of_last(organisation: Organisation) -> datetime:
    module, store = organisation.catalog.modules["Leads"], organisation.store
    order = Order(module.fields["id"], descending=True)
    answer = store.page(module, shape(module, ["Created_Time"]), [], order, Window(1))
    page = answer if isinstance(answer, Page) else await answer
    return datetime.fromisoformat(json.loads(page.data)[0]["Created_Time"])


def _insertion(
    organisation: Organisation, user: int, batch: list[dict[str, Any]]
) -> Callable[[Transaction], list[Outcome]]:
    module = organisation.catalog.modules["Leads"]
    return lambda transaction: Change(organisation, module, user, transaction).insert(
        to_insert(organisation.catalog, module, batch)
    )
