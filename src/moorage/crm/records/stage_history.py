"""The stages that a deal has been in: rows of the module `DealHistory`, one for each stay in a stage.

A row has the values that the deal had when it came into the stage. When it leaves, the row tells where it went, and how
many whole days it stayed. Whoever looks at the list of a deal sees the latest stage first.
"""

from collections.abc import Iterable
from typing import Any

from moorage.crm.metadata.catalog import Module
from moorage.crm.records.batch import Batch
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

MODULE = "DealHistory"
_DAY = 86_400
_OF_DEAL = ("Stage", "Amount", "Closing_Date", "Expected_Revenue", "Probability", "Last_Activity_Time")


class StageHistory:
    """What one request does to the stages of deals. All of it is written at the end of the request."""

    def __init__(
        self,
        organisation: Organisation,
        module: Module,
        transaction: Transaction,
        batch: Batch,
        user: int,
    ) -> None:
        self._deals = module
        self._history = organisation.catalog.modules[MODULE] if module.api_name == "Deals" else None
        self._transaction = transaction
        self._batch = batch
        self._user = user
        # Of each deal that came into a stage, how it was and how it is.
        self._moves: list[tuple[Row, Row]] = []

    def expect(self, inserts: int) -> None:
        """Tell the batch that so many deals may be inserted."""
        if self._history is not None:
            self._batch.expect_ids(inserts)

    def inserted(self, row: Row) -> None:
        if self._history is not None:
            self._moves.append(({}, row))

    def updated(self, old: Row, row: Row) -> None:
        if self._history is not None and self._stage(row) != self._stage(old):
            self._moves.append((old, row))

    def write(self) -> None:
        if self._history is None or not self._moves:
            return
        latest, new = self._latest(self._history), list[Row]()
        unknown = {row["id"] for old, row in self._moves if old} - latest.keys()
        self._batch.expect_ids(len(unknown) + sum(bool(old) for old, _ in self._moves))
        left: dict[int, Row] = {}
        for old, row in self._moves:
            before = latest.get(row["id"])
            if before is None and old:  # The deal is older than its history.
                created = old[self._deals.fields["Created_Time"].column]
                before = {"id": self._batch.new_id(), **self._values(self._history, old, created)}
                new.append(before)
            if before is not None:
                end = self._end(self._history, before, self._stage(row))
                before |= end
                left.setdefault(before["id"], {}).update(end)
            entry = {"id": self._batch.new_id(), **self._values(self._history, row, self._transaction.now)}
            latest[row["id"]] = entry
            new.append(entry)
        added = {entry["id"] for entry in new}
        if changes := {row: end for row, end in left.items() if row not in added}:
            self._transaction.update(self._history, changes)
        self._transaction.insert(self._history, new)
        self._moves.clear()

    def _latest(self, history: Module) -> dict[int, Row]:
        """By deal, the row of the stage that it was in before."""
        moved = {row["id"] for old, row in self._moves if old}
        if not moved:
            return {}
        rows = self._transaction.children(history, history.fields["Deal_Name"].column, moved)
        return {deal: of_deal[-1] for deal, of_deal in rows.items()}

    def _stage(self, row: Row) -> Any:
        return row.get(self._deals.fields["Stage"].column)

    def _values(self, history: Module, deal: Row, time: int) -> Row:
        values = {
            history.fields[name].column: deal.get(self._deals.fields[name].column)
            for name in _OF_DEAL
            if name in history.fields and name in self._deals.fields
        }
        return {
            **values,
            history.fields["Deal_Name"].column: deal["id"],
            history.fields["Modified_By"].column: self._user,
            history.fields["Modified_Time"].column: time,
        }

    def _end(self, history: Module, entry: Row, stage: Any) -> Row:
        stayed = self._transaction.now - entry[history.fields["Modified_Time"].column]
        return {
            history.fields["Moved_To__s"].column: stage,
            history.fields["Duration_Days"].column: max(0, stayed) // _DAY,
        }


def drop_histories(transaction: Transaction, history: Module, deals: Iterable[int]) -> None:
    """Remove the stages of deals that are removed for good."""
    rows = transaction.children(history, history.fields["Deal_Name"].column, deals)
    transaction.drop(history, [row["id"] for of_deal in rows.values() for row in of_deal])
