"""Converts many leads, one in each step [Z mass-convert].

A lead that can't be converted must not keep the others from it, and a step is done as a whole. So each conversion is
tried first in a transaction that is undone, and then either done, or counted.
"""

from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.jobs.model import BulkJob, JobFailed, Progress, Step
from moorage.crm.records.conversion.leads import LeadConversion, tag_names
from moorage.crm.records.conversion.request import ConversionRequest, read_request
from moorage.crm.records.outcomes import Refused
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

KIND = "mass convert"
MOST_LEADS = 50


class MassConversion(Struct, frozen=True):
    """`conversion` is the request for each lead, and `tagged` the modules whose records get all tags of the lead."""

    ids: list[int]
    conversion: dict[str, Any]
    tagged: list[str] = []


class Conversions(Struct, frozen=True):
    """How far a mass conversion is: how many leads became something, and how many did not and why."""

    converted: int = 0
    not_converted: int = 0  # They are gone, locked or converted already.
    failed: int = 0  # What they would become can't be.

    @property
    def done(self) -> int:
        return self.converted + self.not_converted + self.failed


class _Undone(Exception):
    """Undoes a conversion that was only tried."""


def conversions_of(job: BulkJob) -> Conversions:
    return Conversions() if job.progress is None else msgspec.convert(job.progress, Conversions)


class ConvertWorker:
    """Does one mass conversion."""

    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, MassConversion)
        so_far = conversions_of(job)
        try:
            conversion = read_request(organisation, request.conversion, "$")
        except Fault:  # The user who was to get the records has left meanwhile.
            raise JobFailed(job.progress) from None
        lead = request.ids[so_far.done]
        convert = partial(_convert, organisation, job.user, conversion, request.tagged, lead)
        try:
            await organisation.store.write(partial(_try, convert))
        except _Undone:
            after = msgspec.structs.replace(so_far, converted=so_far.converted + 1)
        except Fault:
            return _counted(msgspec.structs.replace(so_far, not_converted=so_far.not_converted + 1), request)
        except Refused:
            return _counted(msgspec.structs.replace(so_far, failed=so_far.failed + 1), request)

        def do(transaction: Transaction) -> Progress:
            convert(transaction)
            return _progress(after, request)

        return do

    async def close(self) -> None:
        """It holds nothing."""


def _try(convert: "partial[None]", transaction: Transaction) -> None:
    convert(transaction)
    raise _Undone


def _convert(
    organisation: Organisation,
    user: int,
    conversion: ConversionRequest,
    tagged: list[str],
    lead: int,
    transaction: Transaction,
) -> None:
    leads = organisation.catalog.modules["Leads"]
    tags = tag_names(leads, transaction.rows(leads, [lead]).get(lead, {}))
    request = msgspec.structs.replace(conversion, tags=dict.fromkeys(tagged, tags))
    LeadConversion(organisation, user, transaction, request, _permitted).run(lead)


def _permitted(_operation: str, _module: str) -> None:
    """The scopes were looked at when the job was asked for."""


def _counted(after: Conversions, request: MassConversion) -> Step:
    return lambda _transaction: _progress(after, request)


def _progress(after: Conversions, request: MassConversion) -> Progress:
    return Progress(msgspec.to_builtins(after), is_last=after.done == len(request.ids))
