"""Locks of records: whoever has locked a record can write to it, and nobody else [Z record-locking]."""

from collections.abc import Iterable
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import Row, Transaction

KIND = "lock"
FIELD = "Locked__s"  # True in a locked record, so that a write needs to look for the lock of few records.


class Locks:
    """The locks that the records of one request have. All are asked for at once, if any is needed."""

    def __init__(self, module: Module, transaction: Transaction, user: int) -> None:
        self._field = module.fields.get(FIELD)
        self._transaction = transaction
        self._user = user
        self._expected: set[int] = set()
        self._locked: dict[int, bool] = {}

    def expect(self, records: Iterable[int]) -> None:
        self._expected.update(records)

    def refuse(self, row: Row, place: dict[str, Any]) -> None:
        """Raise the Fault if another user has locked the record. `place` says which one of the request it is."""
        if self._field is not None and row[self._field.column] and self.is_closed(row["id"]):
            raise locked(place)

    def is_closed(self, record: int) -> bool:
        """Whether another user has locked the record."""
        if record not in self._locked:
            asked = self._expected | {record}
            locks = lock_of(self._transaction, asked)
            self._locked |= {one: one in locks and locks[one].body["by"] != self._user for one in asked}
            self._expected.clear()
        return self._locked[record]


def lock_of(transaction: Transaction, records: Iterable[int]) -> dict[int, Companion]:
    """By record, its lock."""
    return {record: locks[0] for record, locks in transaction.companions.of(KIND, records).items()}


def locked(place: dict[str, Any], *, sorry: bool = True) -> Fault:
    text = "ou cannot perform this operation as the record is locked."
    message = f"Sorry, y{text}" if sorry else f"Y{text}"
    return Fault(400, "RECORD_LOCKED", message, {**place, "action": "record_locking"})
