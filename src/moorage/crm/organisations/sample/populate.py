"""Fill a new organisation with the sample records."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from moorage.crm.organisations.sample.sample import SampleBatch, sample_records
from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import to_insert
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

DAY = 86_400


def populate(organisation: Organisation, begin: Callable[[int], Transaction], now: datetime) -> None:
    """Insert the sample records by the rules for records of callers. Each gets the age that it has in the sample.

    `begin` gives the open transaction with another time as its `now`.
    """
    users = [user.id for user in organisation.metadata.all("user") if user.body["status"] == "active"]
    ids: dict[str, str] = {}
    batches = list(sample_records(now, len(users)))
    # Leads refer to no other record, and the first lead has to get the id of the specification's example.
    batches.sort(key=lambda batch: batch.module != "Leads")
    for batch in batches:
        _insert(organisation, begin, batch, users, int(now.timestamp()), ids)


def _insert(
    organisation: Organisation,
    begin: Callable[[int], Transaction],
    batch: SampleBatch,
    users: list[int],
    now: int,
    ids: dict[str, str],
) -> None:
    module = organisation.catalog.modules[batch.module]
    for record in sorted(batch.records, key=lambda record: -record.age_days):
        created = now - int(record.age_days * DAY)
        change = Change(organisation, module, users[record.owner % len(users)], begin(created))
        values = _resolved(record.values, ids)
        outcome = change.insert(to_insert(organisation.catalog, module, [values]))[0]
        if outcome.status != 201:
            raise AssertionError(f"The sample record {record.key} was refused: {outcome.document}")
        ids[record.key] = outcome.document["details"]["id"]


def _resolved(value: Any, ids: dict[str, str]) -> Any:
    """The value with the id of the inserted record in place of each `{"$ref": key}`."""
    if isinstance(value, dict):
        if "$ref" in value:
            return {"id": ids[value["$ref"]]}
        return {name: _resolved(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, ids) for inner in value]
    return value
