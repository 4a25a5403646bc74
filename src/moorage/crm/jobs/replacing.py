"""Options of picklists, replaced in the records that have them, a hundred at a time [Z global-picklists].

Records are taken in the order of their ids, as those of a mass action are, and each is looked at again within the
transaction that changes it. Those in the recycle bin keep what they have. Each replacement is a list of the job.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.jobs import mass
from moorage.crm.jobs.mass import Reached
from moorage.crm.jobs.model import BulkJob, Progress, Step
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.tree import AnyOf, Equal, Member
from moorage.crm.records.mass_actions import update_records
from moorage.crm.records.place import Place
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

KIND = "replace values"
REPLACED = "replaced values"  # The kind of the companions that tell what jobs have replaced, named by `of`.


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


class ReplaceWorker:
    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, ReplaceRequest)
        reached = mass.reached_by(job)
        if reached.number == len(request.replacements):
            return partial(_end, request, reached)
        replacement = request.replacements[reached.number]
        module = organisation.catalog.modules.get(replacement.module)
        field = None if module is None else module.fields.get(replacement.field)
        if module is None or field is None:  # It was deleted meanwhile.
            return lambda _: Progress(msgspec.to_builtins(reached.after([], [])))
        filters = [_having(field, replacement)]
        records = await mass.ids_after(organisation, module, filters, reached.last, job.id)
        return partial(_replace, organisation, module, job, replacement, reached, records)

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
    reached: Reached,
    records: Sequence[int],
    transaction: Transaction,
) -> Progress:
    place = Place(organisation, module, job.user, transaction)
    groups: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for record, row in transaction.rows(module, records).items():
        if values := _new_values(module, replacement, row):
            groups.setdefault(repr(values), (values, []))[1].append(record)
    outcomes = [outcome for values, ids in groups.values() for outcome in update_records(place, ids, values)]
    return Progress(msgspec.to_builtins(reached.after(records, outcomes)))


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


def _end(request: ReplaceRequest, reached: Reached, transaction: Transaction) -> Progress:
    [identity] = transaction.new_ids(1)
    transaction.companions.put([Companion(identity, REPLACED, 0, str(request.of), request.shown)])
    return Progress(msgspec.to_builtins(reached), is_last=True)
