"""The organisation that is measured: 200,000 leads, built once through the store and kept for the next run."""

import asyncio
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import moorage.crm
from benchmarks import leads
from moorage.clock import FrozenClock
from moorage.crm.blueprint import DEMO
from moorage.crm.organisation import Organisation
from moorage.crm.organisations import Organisations
from moorage.crm.records.changes import Change, Outcome
from moorage.crm.store.contract import Transaction

SLUG = "bench"
LEADS = 200_000
_BATCH = 1_000
_AT_ONCE = 20  # Batches that wait together and so share a commit.
_SECONDS_APART = 3600  # Between commits, so that times differ as they do in an organisation that grew.


@dataclass(frozen=True, slots=True)
class Data:
    """A CRM folder that holds the organisation."""

    folder: Path
    count: int


def prepare(base: Path, count: int = LEADS) -> Data:
    """The data below `base`, built unless an earlier run left it there for the same tables and generator."""
    folder = base / f"leads-{count}-{_fingerprint()}"
    if not folder.exists():
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=base) as draft:
            _build(Path(draft) / "crm", count)
            for outdated in base.glob(f"leads-{count}-*"):
                shutil.rmtree(outdated)
            (Path(draft) / "crm").rename(folder)
    return Data(folder, count)


def copy(data: Data, target: Path) -> None:
    """A copy to measure on: what a run inserts must not grow the data of the next."""
    shutil.copytree(data.folder, target)


def _fingerprint() -> str:
    """Differs when the tables or the leads would."""
    crm = Path(moorage.crm.__file__).parent
    sources = [crm / "store" / "schema.py", crm / "catalog.py", *sorted((crm / "blueprint").glob("*.py"))]
    sources += [*sorted((crm / "data").glob("*.json")), Path(leads.__file__), Path(__file__)]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _build(folder: Path, count: int) -> None:
    started = time.monotonic()
    clock = FrozenClock(datetime.now(UTC) - timedelta(days=30))
    organisations = Organisations(folder, clock)
    try:
        row = organisations.create(SLUG, DEMO, sample=False)
        organisation = organisations.open(row.id)
        assert organisation is not None
        asyncio.run(_fill(organisation, clock, count))
    finally:
        organisations.close()
    print(f"Built {count:,} leads in {time.monotonic() - started:.0f} s", file=sys.stderr)


async def _fill(organisation: Organisation, clock: FrozenClock, count: int) -> None:
    users = cycle(user.id for user in organisation.metadata.all("user") if user.body["status"] == "active")
    records = leads.leads(0, count)
    while group := [batch for _ in range(_AT_ONCE) if (batch := list(islice(records, _BATCH)))]:
        jobs = [_insertion(organisation, next(users), batch) for batch in group]
        for outcomes in await asyncio.gather(*(organisation.store.write(job) for job in jobs)):
            assert all(outcome.status == 201 for outcome in outcomes), outcomes
        clock.advance(_SECONDS_APART)


def _insertion(
    organisation: Organisation, user: int, batch: list[dict[str, Any]]
) -> Callable[[Transaction], list[Outcome]]:
    module = organisation.catalog.modules["Leads"]
    return lambda transaction: Change(organisation, module, user, transaction).insert(batch)
