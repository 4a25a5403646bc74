"""Records are deleted: each for itself, into the recycle bin [Z delete-records]."""

from collections.abc import Sequence

from moorage.crm.events.change_events import ChangeEvents
from moorage.crm.records.locks import Locks, locked
from moorage.crm.records.outcomes import Outcome, deletion, failed
from moorage.crm.records.place import Place
from moorage.crm.records.roll_ups import RollUps
from moorage.crm.records.timeline import Timeline
from moorage.crm.records.within import Within


class Deletion:
    """The deletion of records by one user. With `within`, only these records are there to be deleted."""

    def __init__(self, place: Place, within: Within | None) -> None:
        organisation, module, user, transaction = (
            place.organisation,
            place.module,
            place.user,
            place.transaction,
        )
        self._module = module
        self._user = user
        self._transaction = transaction
        self._within = within
        self._locks = Locks(module, transaction, user)
        self._roll_ups = RollUps(organisation, transaction)
        self._events = ChangeEvents(organisation, module, transaction)
        self._timeline = Timeline(module, transaction, user)

    def delete(self, ids: Sequence[int]) -> list[Outcome]:
        self._locks.expect(ids)
        there = [record for record in ids if not self._locks.is_closed(record)]
        if self._within is not None:
            rows = self._transaction.rows(self._module, there)
            there = [record for record in there if record in rows and self._within.has(rows[record])]
        self._roll_ups.note_removed(self._module, there)
        self._events.deleting(there)
        deleted = self._transaction.recycle(self._module, there, self._user)
        self._roll_ups.write()
        self._events.deleted(record for record in there if record in deleted)
        self._timeline.happened("deleted", (record for record in there if record in deleted))
        self._timeline.write()
        self._events.emit()
        return [self._deletion(record, was_there=record in deleted) for record in ids]

    def _deletion(self, record: int, *, was_there: bool) -> Outcome:
        if not was_there and self._locks.is_closed(record):
            return failed(locked({"id": str(record)}, sorry=False))
        return deletion(record, was_there=was_there)
