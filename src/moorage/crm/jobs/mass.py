"""Mass actions on the records of a view, a hundred at a time [Z mass-update].

Records are taken in the order of their ids, up to the id of the job, so that each is taken once: also if it leaves the
view by what is done with it, and none that is made meanwhile.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.jobs.model import BulkJob, JobFailed, Progress, Step
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.query.compare import Context
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.records.mass_actions import (
    UNCHANGED,
    change_owners,
    delete_records,
    update_records,
)
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.place import Place
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Filter, Order, Position, Transaction, Window
from moorage.crm.wire.call import settled

AT_ONCE = 100
UPDATE = "mass update"
DELETE = "mass delete"
CHANGE_OWNER = "mass change owner"


class MassRequest(Struct, frozen=True):
    """What is to be done with the records of a module that a view shows.

    `criteria` are those of the view and of the caller together. `total` is how many there are.
    """

    module: str
    view: int
    criteria: dict[str, Any] | None
    total: int
    values: dict[str, Any] = {}
    overwrites: bool = True
    owner: int = 0


class Counts(Struct, frozen=True):
    """How far a mass action is. `last` is the id of the last record that was taken."""

    last: int = 0
    done: int = 0
    unchanged: int = 0
    failed: int = 0

    def after(self, records: Sequence[int], outcomes: Sequence[Outcome]) -> "Counts":
        failed = sum(outcome.status >= 300 for outcome in outcomes)
        unchanged = sum(outcome.document["message"] == UNCHANGED for outcome in outcomes)
        return Counts(
            last=records[-1] if records else self.last,
            done=self.done + len(outcomes) - failed - unchanged,
            unchanged=self.unchanged + unchanged,
            failed=self.failed + failed,
        )


class Reached(Struct, frozen=True):
    """How far a job is that takes the records of several lists, one list after the other.

    `number` is that of the list it is at, and `last` the last record that it has looked at there.
    """

    number: int = 0
    last: int = 0
    failed: int = 0

    def after(self, records: Sequence[int], outcomes: Sequence[Outcome]) -> "Reached":
        """A list is at its end when there are fewer records than a step could take."""
        failed = self.failed + sum(outcome.status >= 300 for outcome in outcomes)
        if len(records) < AT_ONCE:
            return Reached(self.number + 1, 0, failed)
        return Reached(self.number, records[-1], failed)


def reached_by(job: BulkJob) -> Reached:
    return Reached() if job.progress is None else msgspec.convert(job.progress, Reached)


def counts_of(job: BulkJob) -> Counts:
    return Counts() if job.progress is None else msgspec.convert(job.progress, Counts)


class MassWorker:
    """Does one mass action."""

    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, MassRequest)
        module = organisation.catalog.modules.get(request.module)
        if module is None:
            raise JobFailed(job.progress)
        counts = counts_of(job)
        try:
            records = await _following(organisation, module, job, request, counts.last)
        except Fault:  # A field of the view is gone.
            raise JobFailed(job.progress) from None
        return partial(_act, organisation, module, job, request, records)

    async def close(self) -> None:
        """It holds nothing."""


async def _following(
    organisation: Organisation, module: Module, job: BulkJob, request: MassRequest, last: int
) -> list[int]:
    filters = filters_of(organisation, module, request.criteria, job.user, job.created)
    return await ids_after(organisation, module, filters, last, job.id)


async def ids_after(
    organisation: Organisation, module: Module, filters: Sequence[Filter], last: int, end: int
) -> list[int]:
    """The first ids of records that pass the filters, behind the id `last` and before the id `end`."""
    order, window = Order(module.fields["id"], descending=False), Window(AT_ONCE, start=Position(None, last))
    page = organisation.store.page(module, shape(module, []), filters, order, window)
    result = await settled(page)
    ids = [int(record["id"]) for record in msgspec.json.decode(result.data)]
    return [record for record in ids if record < end]


def filters_of(
    organisation: Organisation, module: Module, criteria: dict[str, Any] | None, user: int, now: float
) -> list[Filter]:
    """Raises the Fault of criteria that can't be, or not any more."""
    context = Context(organisation.zone, datetime.fromtimestamp(now, UTC), user, organisation.catalog)
    checked = view_conditions(criteria, module, context)
    return [] if checked is None else [checked]


def _act(
    organisation: Organisation,
    module: Module,
    job: BulkJob,
    request: MassRequest,
    records: Sequence[int],
    transaction: Transaction,
) -> Progress:
    place = Place(organisation, module, job.user, transaction)
    if job.kind == UPDATE:
        outcomes = update_records(place, records, request.values, overwrites=request.overwrites)
    elif job.kind == DELETE:
        outcomes = delete_records(place, records)
    else:
        outcomes = change_owners(place, records, request.owner)
    counts = counts_of(job).after(records, outcomes)
    return Progress(msgspec.to_builtins(counts), is_last=len(records) < AT_ONCE)
