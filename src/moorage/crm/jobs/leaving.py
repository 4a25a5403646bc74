"""The records of a user who leaves, given to another one, a hundred at a time [Z transfer-and-delete]."""

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Struct

from moorage.crm.jobs import mass
from moorage.crm.jobs.model import BulkJob, Progress, Step
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.query.tree import Equal
from moorage.crm.records.mass_actions import Place, change_owners
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

KIND = "give records away"


class LeavingRequest(Struct, frozen=True):
    """`user` leaves, and `owner` gets the records."""

    user: int
    owner: int


class Given(Struct, frozen=True):
    """How far a job is: the number of the module it is at, and the last record it has looked at there."""

    module: int = 0
    last: int = 0
    failed: int = 0


class LeavingWorker:
    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, LeavingRequest)
        given = Given() if job.progress is None else msgspec.convert(job.progress, Given)
        module = next((each for each in _owned(organisation.catalog) if each.number >= given.module), None)
        if module is None:
            return lambda _: Progress(msgspec.to_builtins(given), is_last=True)
        last = given.last if module.number == given.module else 0
        filters = [Equal(module.fields["Owner"], request.user)]
        records = await mass.ids_after(organisation, module, filters, last, job.id)
        return partial(_give, organisation, module, job, request, given, records)

    async def close(self) -> None:
        """It holds nothing."""


def _owned(catalog: Catalog) -> list[Module]:
    """The modules whose records have owners, in the order of their numbers."""
    owned = [module for module in catalog.modules.values() if "Owner" in module.fields]
    return sorted(owned, key=lambda module: module.number)


def _give(
    organisation: Organisation,
    module: Module,
    job: BulkJob,
    request: LeavingRequest,
    given: Given,
    records: Sequence[int],
    transaction: Transaction,
) -> Progress:
    outcomes = change_owners(Place(organisation, module, job.user, transaction), records, request.owner)
    failed = given.failed + sum(outcome.status >= 300 for outcome in outcomes)
    is_done = len(records) < mass.AT_ONCE
    after = Given(module.number + 1, 0, failed) if is_done else Given(module.number, records[-1], failed)
    return Progress(msgspec.to_builtins(after))
