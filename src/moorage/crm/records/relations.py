"""Relates and unrelates records of standard relations, such as leads and campaigns [Z update-related-records]."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.records.initial import initial_values
from moorage.crm.records.outcomes import Outcome, failed, succeeded
from moorage.crm.storage.contract.records import Row, Transaction


class Wish(msgspec.Struct, frozen=True):
    """A record to be related, with values of the link by column; or the Fault that says why it can't be.

    `path` is where the record stands in the body.
    """

    path: str
    record: int = 0
    values: Row = msgspec.field(default_factory=dict)
    fault: Fault | None = None


class RecordLinks(msgspec.Struct, frozen=True):
    """The links between the record `parent` and records of `others`, as they are in the module `module`.

    A link points to the parent by `own`, and to the other one by `connected`.
    """

    module: Module
    own: Field
    connected: Field
    parent: int
    others: Module

    def relate(self, transaction: Transaction, wishes: Sequence[Wish], user: int) -> list[Outcome]:
        """Make the links, or change those that are there."""
        ids = {wish.record for wish in wishes if wish.fault is None}
        rows = self._stored(transaction, ids)
        existing = transaction.existing(self.others, ids)
        stored, changes = set(rows), dict[int, Row]()
        new_ids = iter(transaction.new_ids(max(1, len(ids - stored))))
        outcomes = []
        for wish in wishes:
            fault = wish.fault if wish.record in existing or wish.fault else _unknown(wish.path)
            if fault is not None:
                outcomes.append(failed(fault))
                continue
            if wish.record not in rows:
                rows[wish.record] = self._new_row(next(new_ids), wish.record, user, transaction.now)
            rows[wish.record] |= wish.values
            if wish.record in stored:
                changes.setdefault(rows[wish.record]["id"], {}).update(self._changed(wish, transaction.now))
            outcomes.append(succeeded({"id": str(wish.record)}, "relation added"))
        transaction.update(self.module, changes)
        transaction.insert(self.module, [row for record, row in rows.items() if record not in stored])
        return outcomes

    def unrelate(self, transaction: Transaction, records: Sequence[int]) -> list[Outcome]:
        rows = self._stored(transaction, records)
        transaction.drop(self.module, [row["id"] for row in rows.values()])
        return [unrelated(record, was_there=record in rows) for record in records]

    def _stored(self, transaction: Transaction, records: Sequence[int] | set[int]) -> dict[int, Row]:
        """The links that are there to these records. They are looked up where a record has few: see `Relation`."""
        if self.own is self.module.parent_field:
            rows = transaction.children(self.module, self.own.column, [self.parent]).get(self.parent, [])
        else:
            links = transaction.children(self.module, self.connected.column, records)
            rows = [row for of_one in links.values() for row in of_one]
        own, connected = self.own.column, self.connected.column
        return {row[connected]: row for row in rows if row[own] == self.parent and row[connected] in records}

    def _new_row(self, row_id: int, record: int, user: int, now: int) -> Row:
        pointing = {self.own.column: self.parent, self.connected.column: record}
        return {"id": row_id} | initial_values(self.module, user, now) | pointing

    def _changed(self, wish: Wish, now: int) -> Mapping[str, Any]:
        return {**wish.values, self.module.fields["Modified_Time"].column: now}


def unrelated(record: int, *, was_there: bool) -> Outcome:
    details = {"id": str(record)}
    if was_there:
        return succeeded(details, "relation removed")
    return failed(Fault(400, "INVALID_DATA", "relation not found", details))


def _unknown(path: str) -> Fault:
    place = {"api_name": "id", "json_path": f"{path}.id"}
    return Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
