"""The rows of subforms: the lines of quotes, orders and invoices [Z update-records]."""

from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records import computed
from moorage.crm.records.draft import Draft, DraftLine
from moorage.crm.records.values import MAX_ROWS, missing, too_long
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

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
    def __init__(
        self, organisation: Organisation, transaction: Transaction, *, rows_are_whole: bool = False
    ) -> None:
        self._organisation = organisation
        self._transaction = transaction
        self._rows_are_whole = rows_are_whole

    def new(self, made: Draft, row: Row) -> LineRows:
        return [
            (subform, [self._new_line(subform, line.draft, row["id"]) for line in lines])
            for subform, lines in self._subforms(made)
        ]

    def _subforms(self, made: Draft) -> list[tuple[Module, list[DraftLine]]]:
        modules = self._organisation.catalog.modules
        return [(modules[one.subform or ""], lines) for one, lines in made.subforms]

    def _new_line(self, subform: Module, made: Draft, parent: int) -> Row:
        now = self._transaction.now
        row: Row = {"id": self._transaction.new_ids(1)[0], **made.row}
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
        found = self._transaction.row(products, row.get(product.column) or 0)
        row[price.column] = found[products.fields["Unit_Price"].column] if found else None

    def merge(self, made: Draft, row: Row) -> list[Merge]:
        """What the subforms of an update become. Nothing is written yet. Raises Fault for rows that aren't there."""
        merges = []
        for one, lines in made.subforms:
            merge = Merge(self._organisation.catalog.modules[one.subform or ""])
            parent = merge.subform.fields["Parent_Id"].column
            merge.rows = {
                line["id"]: line for line in self._transaction.children(merge.subform, parent, row["id"])
            }
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
        row[merge.subform.fields["Modified_Time"].column] = self._transaction.now
        computed.line_item(merge.subform, row)
        merge.rows[known] = row
        merge.changed.append(known)

    def write(self, merges: list[Merge]) -> None:
        for merge in merges:
            self._transaction.drop(merge.subform, merge.dropped)
            self._transaction.insert(merge.subform, [merge.rows[one] for one in merge.added])
            for one in merge.changed:
                if one in merge.rows:  # Else a later row of the same update removed it.
                    self._transaction.update(merge.subform, one, merge.rows[one])

    def stored(self, module: Module, record: int) -> LineRows:
        stored = []
        for one in module.of_type("subform"):
            subform = self._organisation.catalog.modules[one.subform or ""]
            parent = subform.fields["Parent_Id"].column
            stored.append((subform, self._transaction.children(subform, parent, record)))
        return stored

    def add_up(self, module: Module, row: Row, lines: LineRows) -> None:
        for subform, rows in lines:
            computed.totals(module, row, subform, rows)


def _drop_unmentioned(merge: Merge) -> None:
    for one in merge.rows.keys() - {*merge.added, *merge.changed}:
        del merge.rows[one]
        merge.dropped.append(one)
