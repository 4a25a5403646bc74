"""What has happened to records, written in the transaction of each change [Z timeline].

That a record was made is not written: its own `Created_Time` and `Created_By` say so. So an insert costs nothing more.
A row of its own for each record would make an update of a hundred a seventh more expensive (measured). So a companion
has what one request did to up to `TOGETHER` records whose ids are near each other, as those of one insert are. Its
owner is their number, below zero, which is the id of no record.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import Row, Transaction

KIND = "timeline"
TOGETHER = 16
LONGEST = 500  # Characters of a text that are kept.

# Every change sets them, so they tell nothing.
_ALWAYS_CHANGED = {"Modified_Time", "Modified_By", "Last_Activity_Time", "Change_Log_Time__s"}


class Timeline:
    """Collects what one request does to records of a module. `user` is None for what the CRM does by itself."""

    def __init__(self, module: Module, transaction: Transaction, user: int | None) -> None:
        self._module = module
        self._transaction = transaction
        self._user = user
        self._fields: dict[str, Field] = {}
        # By owner and action, records with their histories.
        self._entries: dict[tuple[int, str], list[Any]] = {}

    def updated(self, record: int, old: Row, changes: Row) -> None:
        if not self._fields:
            self._fields = {f.column: f for f in self._module.fields.values() if _is_told(f)}
        fields, history = self._fields, []
        for column, value in changes.items():
            field = fields.get(column)
            if field is not None:
                before = old.get(column)
                if field.lookup_modules:
                    before = _with_module(field, before, old)
                    value = _with_module(field, value, changes, old)  # noqa: PLW2901
                history.append([field.api_name, _kept(before), _kept(value)])
        if history:
            self._note(record, "updated", history)

    def happened(self, action: str, records: Iterable[int]) -> None:
        for record in records:
            self._note(record, action, None)

    def _note(self, record: int, action: str, history: list[Any] | None) -> None:
        self._entries.setdefault((owner_of(record), action), []).append([record, history])

    def write(self) -> None:
        if not self._entries:
            return
        user, now = self._user, self._transaction.now
        ids = self._transaction.new_ids(len(self._entries))
        self._transaction.companions.put(
            [
                Companion(number, KIND, owner, body=[action, user, now, records])
                for number, ((owner, action), records) in zip(ids, self._entries.items(), strict=True)
            ]
        )
        self._entries.clear()


def owner_of(record: int) -> int:
    """The owner of the companions that tell of a record."""
    return -(record // TOGETHER)


def histories_of(entry: Companion, record: int) -> list[list[Any] | None]:
    """What an entry tells of a record: of each change, the values; None for what is no change of values."""
    return [history for changed, history in entry.body[3] if changed == record]


def forget(transaction: Transaction, records: Sequence[int]) -> None:
    """Let nothing be told any more of records that are removed for good."""
    gone = set(records)
    of_owners = transaction.companions.of(KIND, {owner_of(record) for record in records})
    changed, empty = [], []
    for entries in of_owners.values():
        for entry in entries:
            kept = [each for each in entry.body[3] if each[0] not in gone]
            if not kept:
                empty.append(entry.id)
            elif len(kept) < len(entry.body[3]):
                changed.append(replace(entry, body=[*entry.body[:3], kept]))
    transaction.companions.put(changed)
    transaction.companions.remove(empty)


def _is_told(field: Field) -> bool:
    return field.api_name not in _ALWAYS_CHANGED and field.data_type not in {"formula", "rollup_summary"}


def _with_module(field: Field, record: int | None, *rows: Row) -> list[int | None] | None:
    """A record with the number of its module, which one of the rows has."""
    if record is None:
        return None
    return [record, next((row[field.module_column] for row in rows if field.module_column in row), None)]


def _kept(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) and len(value) > LONGEST else value
