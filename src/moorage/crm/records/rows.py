"""The rows of a record: of subforms, such as the line items of quotes, and links to other records [Z update-records].

They are records of a module of their own, which only changes with the records they belong to.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.module_formulas import formulas_of
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft, DraftRow
from moorage.crm.records.initial import initial_values
from moorage.crm.records.links import repeated_link
from moorage.crm.records.modules import rules_of
from moorage.crm.records.modules.rules import PendingRecord
from moorage.crm.records.values import MAX_ROWS, missing, too_long
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row

# Each module of rows with the rows that a record has in it.
RowsByModule: TypeAlias = list[tuple[Module, list[Row]]]


class Link(msgspec.Struct, frozen=True):
    """The id of a record or user that a row links to; `path` is where the row stands in the body.

    `row` is the id of a row that is there already.
    """

    target: int
    path: str
    row: int | None = None


class Merge(msgspec.Struct):
    """The rows that a field will have, by id, and which rows are added, changed and removed for that."""

    module: Module
    rows: dict[int, Row] = msgspec.field(default_factory=dict)
    paths: dict[int, str] = msgspec.field(default_factory=dict)  # Where rows of the request stand.
    added: list[int] = msgspec.field(default_factory=list)
    changed: list[int] = msgspec.field(default_factory=list)
    removed: list[int] = msgspec.field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class FieldRows:
    """The rows in the fields of one module's records, changed by `user`.

    `rows_are_whole` says that an update names every row a subform is to have: those it does not name are removed.
    """

    def __init__(
        self, organisation: Organisation, batch: Batch, user: int, *, rows_are_whole: bool = False
    ) -> None:
        self._catalog = organisation.catalog
        self._zone = organisation.zone
        self._batch = batch
        self._user = user
        self._rows_are_whole = rows_are_whole
        self._initial: dict[Module, Row] = {}

    def expect(self, draft: Draft, parent: int | None) -> None:
        """Tell the batch what the rows of a record are going to ask. `parent` is None for a new record."""
        for field, rows in draft.rows:
            module = self._catalog.rows_of(field)
            self._batch.expect_ids(sum(row.id is None for row in rows))
            if parent is not None:
                self._batch.expect_children(module, [parent])
            if rules_of(module).has_list_price:
                self._expect_products(module, rows)

    def _expect_products(self, line_items: Module, rows: list[DraftRow]) -> None:
        product = line_items.fields["Product_Name"]
        references = [
            reference for row in rows for field, reference in row.draft.references if field is product
        ]
        ids = [reference.id for reference in references if reference.id is not None]
        self._batch.expect_rows(self._catalog.modules["Products"], ids)

    def check(self, draft: Draft) -> None:
        """Raise the Fault for rows that a new record can't have together."""
        for field, rows in draft.rows:
            link = self._catalog.rows_of(field).connected_field
            if link is not None:
                _refuse_repeats(field, [Link(row.draft.row[link.column], row.draft.path) for row in rows])

    def new_rows(self, draft: Draft, parent: int) -> RowsByModule:
        rows_by_module = []
        for field, rows in draft.rows:
            module = self._catalog.rows_of(field)
            rows_by_module.append((module, [self._new_row(module, row.draft, parent) for row in rows]))
        return rows_by_module

    def _new_row(self, module: Module, draft: Draft, parent: int) -> Row:
        row: Row = {"id": self._batch.new_id(), **self._initial_values(module)}
        row |= {column: value for column, value in draft.row.items() if value is not None}
        row[module.parent_column] = parent
        if rules_of(module).has_list_price:
            self._set_list_price(module, row)
        self._compute(module, row, {}, draft)
        return row

    def _initial_values(self, module: Module) -> Row:
        """Of every new row of this change; they are worked out once."""
        if module not in self._initial:
            self._initial[module] = initial_values(module, self._user, self._batch.now)
        return self._initial[module]

    def _set_list_price(self, line_items: Module, row: Row) -> None:
        """Without a price of its own, a row takes the product's."""
        price, product = line_items.fields["List_Price"], line_items.fields["Product_Name"]
        if row.get(price.column) is not None:
            return
        products = self._catalog.modules["Products"]
        product_row = self._batch.row(products, row.get(product.column) or 0)
        row[price.column] = product_row[products.fields["Unit_Price"].column] if product_row else None

    def _compute(self, module: Module, row: Row, old: Row, draft: Draft) -> None:
        rules_of(module).compute(
            PendingRecord(module, row, old, draft.sent_fields, draft.path, self._batch.now)
        )
        formulas_of(module).work_out(row, self._zone, self._batch.now)

    def merge(self, draft: Draft, parent: int) -> list[Merge]:
        """What an update makes of the rows. Nothing is written yet. Raises Fault for rows that don't exist."""
        return [self._merge(field, rows, draft, parent) for field, rows in draft.rows]

    def _merge(self, field: Field, rows: list[DraftRow], draft: Draft, parent: int) -> Merge:
        merge = Merge(self._catalog.rows_of(field))
        merge.rows = {row["id"]: row for row in self._batch.children(merge.module, parent)}
        if not rows:
            merge.removed = list(merge.rows)
            merge.rows = {}
        for row in rows:
            self._merge_row(merge, row, parent)
        if self._rows_are_whole and merge.module.connected_field is None:
            _remove_unnamed(merge)
        path = f"{draft.path}.{field.api_name}"
        if field.mandatory and not merge.rows:
            raise missing(field, path)
        if len(merge.rows) > MAX_ROWS:
            raise too_long(field, path, MAX_ROWS)
        if merge.module.connected_field is not None:
            _refuse_repeats(field, _links(merge, merge.module.connected_field))
        return merge

    def _merge_row(self, merge: Merge, row: DraftRow, parent: int) -> None:
        if row.id is None:
            new_row = self._new_row(merge.module, row.draft, parent)
            merge.rows[new_row["id"]] = new_row
            merge.added.append(new_row["id"])
            merge.paths[new_row["id"]] = row.draft.path
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
        merge.rows[row_id][merge.module.fields["Modified_Time"].column] = self._batch.now
        self._compute(merge.module, merge.rows[row_id], old, row.draft)
        merge.changed.append(row_id)
        merge.paths[row_id] = row.draft.path

    def insert(self, rows_by_module: RowsByModule) -> None:
        for module, rows in rows_by_module:
            for row in rows:
                self._batch.insert(module, row)

    def write(self, merges: list[Merge]) -> None:
        for merge in merges:
            self._batch.drop(merge.module, merge.removed)
            for row_id in merge.added:
                if row_id in merge.rows:
                    self._batch.insert(merge.module, merge.rows[row_id])
            for row_id in merge.changed:
                if row_id in merge.rows:  # Unless a later element of the same update removed it.
                    self._batch.update(merge.module, row_id, merge.rows[row_id])

    def stored(self, module: Module, record: int) -> RowsByModule:
        modules = [self._catalog.rows_of(field) for field in module.row_fields]
        return [(rows_module, self._batch.children(rows_module, record)) for rows_module in modules]


def add_up(record: PendingRecord, rows_by_module: RowsByModule) -> None:
    """Bring the totals of a record up to date, where its module has any."""
    for module, rows in rows_by_module:
        rules_of(record.module).add_up(record, module, rows)


def _links(merge: Merge, link: Field) -> Iterator[Link]:
    """The links of a merge: those that the request does not name come first."""
    for row_id, row in sorted(merge.rows.items(), key=lambda item: item[0] in merge.paths):
        stored = None if row_id in merge.added else row_id
        yield Link(row[link.column], merge.paths.get(row_id, ""), stored)


def _refuse_repeats(field: Field, links: Iterable[Link]) -> None:
    """Raise the Fault for two links of one record that lead to the same."""
    assert field.rows is not None
    first: dict[int, Link] = {}
    for link in links:
        other = first.setdefault(link.target, link)
        if other is not link:
            place = {"api_name": field.api_name, "json_path": link.path}
            raise repeated_link([field.rows.parent, field.rows.connected], other.row, place)


def _remove_unnamed(merge: Merge) -> None:
    for row_id in merge.rows.keys() - {*merge.added, *merge.changed}:
        del merge.rows[row_id]
        merge.removed.append(row_id)
