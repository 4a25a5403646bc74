"""Merges records to which very much belongs: in steps, of which the last one does the rest [Z merge-records]."""

from collections.abc import Iterable
from functools import partial

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.jobs.model import BulkJob, JobFailed, Progress, Step
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.records.merging.merging import Merging
from moorage.crm.records.merging.moving import Moving, Pointing, pointing_to
from moorage.crm.records.merging.request import MergeRequest
from moorage.crm.records.outcomes import Refused
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Order, Transaction, Window
from moorage.crm.wire.call import settled

KIND = "merge"
AT_ONCE = 200  # Records that go over in one step.


class MergeWorker:
    """Does one merge. What has gone over points to the master, so that each step finds what is left."""

    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, MergeRequest)
        module = organisation.catalog.modules.get(request.module)
        if module is None:
            raise JobFailed(None)
        try:  # What can't be is known before the step, because a step is done as a whole.
            await organisation.store.write(partial(_check, organisation, job, request))
            for pointing in pointing_to(organisation.catalog, module):
                records = await _pointing(organisation, pointing, request.gone)
                if records:
                    return partial(_move, organisation, module, request, pointing, records)
            await organisation.store.write(partial(_try, organisation, job, request))
        except _Undone:
            pass
        except (Fault, Refused):
            raise JobFailed(None) from None
        return partial(_finish, organisation, job, request)

    async def close(self) -> None:
        """It holds nothing."""


class _Undone(Exception):
    """Undoes a merge that was only tried."""


async def _pointing(organisation: Organisation, pointing: Pointing, gone: Iterable[int]) -> list[int]:
    page = await settled(
        organisation.store.page(
            pointing.module,
            shape(pointing.module, []),
            [pointing.to(list(gone))],
            Order(pointing.module.fields["id"], descending=False),
            Window(AT_ONCE),
        )
    )
    return [int(record["id"]) for record in msgspec.json.decode(page.data)]


def _move(
    organisation: Organisation,
    module: Module,
    request: MergeRequest,
    pointing: Pointing,
    records: list[int],
    transaction: Transaction,
) -> Progress:
    rows = transaction.rows(pointing.module, records)
    there = [row for row in rows.values() if row[pointing.lookup.column] in request.gone]
    Moving(organisation, transaction, module, request.master.record).move(pointing, there)
    return Progress(None)


def _check(organisation: Organisation, job: BulkJob, request: MergeRequest, transaction: Transaction) -> None:
    Merging(organisation, transaction, job.user, request).check()


def _try(organisation: Organisation, job: BulkJob, request: MergeRequest, transaction: Transaction) -> None:
    _finish(organisation, job, request, transaction)
    raise _Undone


def _finish(
    organisation: Organisation, job: BulkJob, request: MergeRequest, transaction: Transaction
) -> Progress:
    merging = Merging(organisation, transaction, job.user, request)
    merging.check()
    merging.finish()
    return Progress(None, is_last=True)
