"""The rows of subforms: the lines of quotes, orders and invoices [Z update-records]."""

from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records import computed
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft, DraftLine
from moorage.crm.records.values import MAX_ROWS, missing, too_long
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row

# Each subform's module with its rows.
LineRows: TypeAlias = list[tuple[Module, list[Row]]]


@dataclass(slots=True)
class Merge:
    """The rows a subform will have, by id, and which of them that changes."""

    subform: Module
    rows: dict[int, Row] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)


class Lines:
    def __init__(self, organisation: Organisation, batch: Batch, *, rows_are_whole: bool = False) -> None:
        self._organisation = organisation
        self._batch = batch
        self._rows_are_whole = rows_are_whole

    def expect(self, made: Draft, parent: int | None) -> None:
        """Say what a record's subforms are going to ask, of a record that is there or of a new one."""
        for subform, lines in self._subforms(made):
            self._batch.expect_ids(sum(line.id is None for line in lines))
            if parent is not None:
                self._batch.expect_children(subform, [parent])
            product = subform.fields.get("Product_Name")
            products = self._organisation.catalog.modules.get("Products")
            if product is not None and products is not None:
                ids = [ref.id for line in lines for field, ref in line.draft.references if field is product]
                self._batch.expect_rows(products, [record for record in ids if record is not None])

    def new(self, made: Draft, row: Row) -> LineRows:
        return [
            (subform, [self._new_line(subform, line.draft, row["id"]) for line in lines])
            for subform, lines in self._subforms(made)
        ]

    def _subforms(self, made: Draft) -> list[tuple[Module, list[DraftLine]]]:
        modules = self._organisation.catalog.modules
        return [(modules[one.subform or ""], lines) for one, lines in made.subforms]

    def _new_line(self, subform: Module, made: Draft, parent: int) -> Row:
        now = self._batch.now
        row: Row = {"id": self._batch.new_id(), **made.row}
        own = {
            "Parent_Id": parent,
            "Created_Time": now,
            "Modified_Time": now,
            "Record_Status__s": "Available",
        }
        for name, value in own.items():
            if (one := subform.fields.get(name)) is not None:
                row[one.column] = value
        self._list_price(subform, row)
        computed.line_item(subform, row)
        return row

    def _list_price(self, subform: Module, row: Row) -> None:
        """A line without a price takes the product's."""
        price, product = subform.fields.get("List_Price"), subform.fields.get("Product_Name")
        products = self._organisation.catalog.modules.get("Products")
        if price is None or product is None or products is None or row.get(price.column) is not None:
            return
        found = self._batch.row(products, row.get(product.column) or 0)
        row[price.column] = found[products.fields["Unit_Price"].column] if found else None

    def merge(self, made: Draft, row: Row) -> list[Merge]:
        """What the subforms of an update become. Nothing is written yet. Raises Fault for rows that aren't there."""
        merges = []
        for one, lines in made.subforms:
            merge = Merge(self._organisation.catalog.modules[one.subform or ""])
            merge.rows = {line["id"]: line for line in self._batch.children(merge.subform, row["id"])}
            if not lines:
                merge.dropped = list(merge.rows)
                merge.rows = {}
            for line in lines:
                self._merge_line(merge, line, row["id"])
            if self._rows_are_whole:
                _drop_unmentioned(merge)
            path = f"{made.path}.{one.api_name}"
            if one.mandatory and not merge.rows:
                raise missing(one, path)
            if len(merge.rows) > MAX_ROWS:
                raise too_long(one, path, MAX_ROWS)
            merges.append(merge)
        return merges

    def _merge_line(self, merge: Merge, line: DraftLine, parent: int) -> None:
        if line.id is None:
            row = self._new_line(merge.subform, line.draft, parent)
            merge.rows[row["id"]] = row
            merge.added.append(row["id"])
            return
        known = whole_id(line.id)
        if known is None or known not in merge.rows:
            details = {"api_name": "id", "json_path": f"{line.draft.path}.id"}
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", details)
        if line.delete:
            del merge.rows[known]
            merge.dropped.append(known)
            return
        row = merge.rows[known] | line.draft.row
        row[merge.subform.fields["Modified_Time"].column] = self._batch.now
        computed.line_item(merge.subform, row)
        merge.rows[known] = row
        merge.changed.append(known)

    def insert(self, lines: LineRows) -> None:
        for subform, rows in lines:
            for row in rows:
                self._batch.insert(subform, row)

    def write(self, merges: list[Merge]) -> None:
        for merge in merges:
            self._batch.drop(merge.subform, merge.dropped)
            for added in merge.added:
                if added in merge.rows:
                    self._batch.insert(merge.subform, merge.rows[added])
            for changed in merge.changed:
                if changed in merge.rows:  # Else a later row of the same update removed it.
                    self._batch.update(merge.subform, changed, merge.rows[changed])

    def stored(self, module: Module, record: int) -> LineRows:
        modules = self._organisation.catalog.modules
        subforms = [modules[field.subform or ""] for field in module.of_type("subform")]
        return [(subform, self._batch.children(subform, record)) for subform in subforms]

    def add_up(self, module: Module, row: Row, lines: LineRows) -> None:
        for subform, rows in lines:
            computed.totals(module, row, subform, rows)


def _drop_unmentioned(merge: Merge) -> None:
    for one in merge.rows.keys() - {*merge.added, *merge.changed}:
        del merge.rows[one]
        merge.dropped.append(one)
