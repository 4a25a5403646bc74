"""The records of a user who leaves, given to another one, a hundred at a time [Z transfer-and-delete]."""

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Struct

from moorage.crm.jobs import mass
from moorage.crm.jobs.mass import Reached
from moorage.crm.jobs.model import BulkJob, Progress, Step
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.query.tree import Equal
from moorage.crm.records.mass_actions import change_owners
from moorage.crm.records.place import Place
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

KIND = "give records away"


class LeavingRequest(Struct, frozen=True):
    """`user` leaves, and `owner` gets the records."""

    user: int
    owner: int


class LeavingWorker:
    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, LeavingRequest)
        reached = mass.reached_by(job)
        module = next((each for each in _owned(organisation.catalog) if each.number >= reached.number), None)
        if module is None:
            return lambda _: Progress(msgspec.to_builtins(reached), is_last=True)
        if module.number > reached.number:
            reached = Reached(module.number, failed=reached.failed)
        filters = [Equal(module.fields["Owner"], request.user)]
        records = await mass.ids_after(organisation, module, filters, reached.last, job.id)
        return partial(_give, organisation, module, job, request, reached, records)

    async def close(self) -> None:
        """It holds nothing."""


def _owned(catalog: Catalog) -> list[Module]:
    """The modules whose records have owners, in the order of their numbers: each is a list of the job."""
    owned = [module for module in catalog.modules.values() if "Owner" in module.fields]
    return sorted(owned, key=lambda module: module.number)


def _give(
    organisation: Organisation,
    module: Module,
    job: BulkJob,
    request: LeavingRequest,
    reached: Reached,
    records: Sequence[int],
    transaction: Transaction,
) -> Progress:
    outcomes = change_owners(Place(organisation, module, job.user, transaction), records, request.owner)
    return Progress(msgspec.to_builtins(reached.after(records, outcomes)))
