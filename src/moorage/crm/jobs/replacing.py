"""Options of picklists, replaced in the records that have them, a hundred at a time [Z global-picklists].

Records are taken in the order of their ids, as those of a mass action are, and each is looked at again within the
transaction that changes it. Those in the recycle bin keep what they have.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.jobs import mass
from moorage.crm.jobs.model import BulkJob, Progress, Step
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.tree import AnyOf, Equal, Member
from moorage.crm.records.mass_actions import Place, update_records
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

KIND = "replace values"
REPLACED = (
    "replaced values"  # The kind of the companions that tell what the jobs have replaced, named by `of`.
)


class Replacement(Struct, frozen=True):
    """`values` are the new values of a field by the old ones.

    Records that get a new value get one of the field `also`, too, if `also_values` has their old one.
    """

    module: str
    field: str
    values: dict[str, str]
    also: str | None = None
    also_values: dict[str, str] = {}


class ReplaceRequest(Struct, frozen=True):
    """`of` is the id of what the values belong to, and `shown` what is told of them when the job has ended."""

    of: int
    replacements: list[Replacement]
    shown: list[dict[str, str]] = []


class Done(Struct, frozen=True):
    """How far a job is: the replacement it is at, and the last record it has looked at for it."""

    index: int = 0
    last: int = 0
    failed: int = 0


class ReplaceWorker:
    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, ReplaceRequest)
        done = Done() if job.progress is None else msgspec.convert(job.progress, Done)
        if done.index == len(request.replacements):
            return partial(_end, request, done)
        replacement = request.replacements[done.index]
        module = organisation.catalog.modules.get(replacement.module)
        field = None if module is None else module.fields.get(replacement.field)
        if module is None or field is None:  # It was deleted meanwhile.
            return lambda _: Progress(msgspec.to_builtins(Done(done.index + 1, failed=done.failed)))
        records = await mass.ids_after(organisation, module, [_having(field, replacement)], done.last, job.id)
        return partial(_replace, organisation, module, job, replacement, done, records)

    async def close(self) -> None:
        """It holds nothing."""


def _having(field: Field, replacement: Replacement) -> AnyOf:
    node = Member if field.storage == "list" else Equal
    return AnyOf(tuple(node(field, value) for value in replacement.values))


def _replace(
    organisation: Organisation,
    module: Module,
    job: BulkJob,
    replacement: Replacement,
    done: Done,
    records: Sequence[int],
    transaction: Transaction,
) -> Progress:
    place = Place(organisation, module, job.user, transaction)
    groups: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for record, row in transaction.rows(module, records).items():
        if values := _new_values(module, replacement, row):
            groups.setdefault(repr(values), (values, []))[1].append(record)
    outcomes = [outcome for values, ids in groups.values() for outcome in update_records(place, ids, values)]
    failed = done.failed + sum(outcome.status >= 300 for outcome in outcomes)
    is_done = len(records) < mass.AT_ONCE
    after = Done(done.index + 1, 0, failed) if is_done else Done(done.index, records[-1], failed)
    return Progress(msgspec.to_builtins(after))


def _new_values(module: Module, replacement: Replacement, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a record has to be given; nothing if it has none of the old values any more."""
    field = module.fields[replacement.field]
    old = row[field.column]
    if field.storage == "list":
        items = msgspec.json.decode(old) if old else []
        new = list(dict.fromkeys(replacement.values.get(item, item) for item in items))
        return {field.api_name: new} if new != items else {}
    if old not in replacement.values:
        return {}
    values = {field.api_name: replacement.values[old]}
    if replacement.also is not None:
        other = row[module.fields[replacement.also].column]
        values[replacement.also] = replacement.also_values.get(other, other)
    return values


def _end(request: ReplaceRequest, done: Done, transaction: Transaction) -> Progress:
    [identity] = transaction.new_ids(1)
    transaction.companions.put([Companion(identity, REPLACED, 0, str(request.of), request.shown)])
    return Progress(msgspec.to_builtins(done), is_last=True)
