"""The rows of subforms, such as the line items of quotes, orders and invoices [Z update-records]."""

import dataclasses
from dataclasses import dataclass
from typing import TypeAlias

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft, DraftRow
from moorage.crm.records.initial import initial_values
from moorage.crm.records.modules import rules_of
from moorage.crm.records.modules.rules import PendingRecord
from moorage.crm.records.values import MAX_ROWS, missing, too_long
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row

# Each subform's module with its rows.
SubformRows: TypeAlias = list[tuple[Module, list[Row]]]


@dataclass(slots=True)
class Merge:
    """The rows that a subform will have, by id, and which rows are added, changed and removed for that."""

    subform: Module
    rows: dict[int, Row] = dataclasses.field(default_factory=dict)
    added: list[int] = dataclasses.field(default_factory=list)
    changed: list[int] = dataclasses.field(default_factory=list)
    removed: list[int] = dataclasses.field(default_factory=list)


class Subforms:
    """`rows_are_whole` says that an update names every row a subform is to have: those it does not name are removed."""

    def __init__(
        self, organisation: Organisation, batch: Batch, user: int, *, rows_are_whole: bool = False
    ) -> None:
        self._organisation = organisation
        self._batch = batch
        self._user = user
        self._rows_are_whole = rows_are_whole
        self._initial: dict[Module, Row] = {}

    def expect(self, draft: Draft, parent: int | None) -> None:
        """Tell the batch what the subforms of a record are going to ask. `parent` is None for a new record."""
        for subform, rows in self._drafted(draft):
            self._batch.expect_ids(sum(row.id is None for row in rows))
            if parent is not None:
                self._batch.expect_children(subform, [parent])
            if rules_of(subform).has_list_price:
                self._expect_products(subform, rows)

    def _expect_products(self, subform: Module, rows: list[DraftRow]) -> None:
        products, product = self._organisation.catalog.modules["Products"], subform.fields["Product_Name"]
        references = [
            reference for row in rows for field, reference in row.draft.references if field is product
        ]
        self._batch.expect_rows(
            products, [reference.id for reference in references if reference.id is not None]
        )

    def new_rows(self, draft: Draft, parent: int) -> SubformRows:
        return [
            (subform, [self._new_row(subform, row.draft, parent) for row in rows])
            for subform, rows in self._drafted(draft)
        ]

    def _drafted(self, draft: Draft) -> list[tuple[Module, list[DraftRow]]]:
        return [(self._organisation.catalog.rows_of(field), rows) for field, rows in draft.subforms]

    def _new_row(self, subform: Module, draft: Draft, parent: int) -> Row:
        row: Row = {"id": self._batch.new_id(), **self._initial_values(subform)}
        row |= {column: value for column, value in draft.row.items() if value is not None}
        row[subform.parent_column] = parent
        if rules_of(subform).has_list_price:
            self._set_list_price(subform, row)
        self._compute(subform, row, {}, draft)
        return row

    def _initial_values(self, subform: Module) -> Row:
        """Of every new row of this change; they are worked out once."""
        if subform not in self._initial:
            self._initial[subform] = initial_values(subform, self._user, self._batch.now)
        return self._initial[subform]

    def _set_list_price(self, subform: Module, row: Row) -> None:
        """Without a price of its own, a row takes the product's."""
        price, product = subform.fields["List_Price"], subform.fields["Product_Name"]
        products = self._organisation.catalog.modules["Products"]
        if row.get(price.column) is not None:
            return
        product_row = self._batch.row(products, row.get(product.column) or 0)
        row[price.column] = product_row[products.fields["Unit_Price"].column] if product_row else None

    def _compute(self, subform: Module, row: Row, old: Row, draft: Draft) -> None:
        rules_of(subform).compute(
            PendingRecord(subform, row, old, draft.sent_fields, draft.path, self._batch.now)
        )

    def merge(self, draft: Draft, parent: int) -> list[Merge]:
        """What an update makes of the subforms. Nothing is written yet. Raises Fault for rows that don't exist."""
        merges = []
        for field, rows in draft.subforms:
            merge = Merge(self._organisation.catalog.rows_of(field))
            merge.rows = {row["id"]: row for row in self._batch.children(merge.subform, parent)}
            if not rows:
                merge.removed = list(merge.rows)
                merge.rows = {}
            for row in rows:
                self._merge_row(merge, row, parent)
            if self._rows_are_whole:
                _remove_unnamed(merge)
            path = f"{draft.path}.{field.api_name}"
            if field.mandatory and not merge.rows:
                raise missing(field, path)
            if len(merge.rows) > MAX_ROWS:
                raise too_long(field, path, MAX_ROWS)
            merges.append(merge)
        return merges

    def _merge_row(self, merge: Merge, row: DraftRow, parent: int) -> None:
        if row.id is None:
            new_row = self._new_row(merge.subform, row.draft, parent)
            merge.rows[new_row["id"]] = new_row
            merge.added.append(new_row["id"])
            return
        row_id = whole_id(row.id)
        if row_id is None or row_id not in merge.rows:
            details = {"api_name": "id", "json_path": f"{row.draft.path}.id"}
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", details)
        if row.delete:
            del merge.rows[row_id]
            merge.removed.append(row_id)
            return
        old = merge.rows[row_id]
        merge.rows[row_id] = old | row.draft.row
        merge.rows[row_id][merge.subform.fields["Modified_Time"].column] = self._batch.now
        self._compute(merge.subform, merge.rows[row_id], old, row.draft)
        merge.changed.append(row_id)

    def insert(self, subforms: SubformRows) -> None:
        for subform, rows in subforms:
            for row in rows:
                self._batch.insert(subform, row)

    def write(self, merges: list[Merge]) -> None:
        for merge in merges:
            self._batch.drop(merge.subform, merge.removed)
            for row_id in merge.added:
                if row_id in merge.rows:
                    self._batch.insert(merge.subform, merge.rows[row_id])
            for row_id in merge.changed:
                if row_id in merge.rows:  # Unless a later element of the same update removed it.
                    self._batch.update(merge.subform, row_id, merge.rows[row_id])

    def stored(self, module: Module, record: int) -> SubformRows:
        subforms = [self._organisation.catalog.rows_of(field) for field in module.row_fields]
        return [(subform, self._batch.children(subform, record)) for subform in subforms]


def add_up(record: PendingRecord, subforms: SubformRows) -> None:
    """Bring the totals of a record up to date, where its module has any."""
    for subform, rows in subforms:
        rules_of(record.module).add_up(record, subform, rows)


def _remove_unnamed(merge: Merge) -> None:
    for row_id in merge.rows.keys() - {*merge.added, *merge.changed}:
        del merge.rows[row_id]
        merge.removed.append(row_id)
