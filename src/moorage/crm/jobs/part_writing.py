"""Rows of subforms in a bulk write: they change the record that they belong to, as an update through the API does."""

from collections.abc import Sequence
from typing import Any

from moorage.crm.jobs.row_writing import result_of
from moorage.crm.jobs.write_model import RowResult
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import to_update
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

Record = dict[str, Any]


class Parts:
    """Writes rows of one subform in one transaction."""

    def __init__(
        self, organisation: Organisation, module: Module, user: int, transaction: Transaction
    ) -> None:
        assert module.parent_field is not None
        catalog = organisation.catalog
        self._organisation = organisation
        self._module = module
        self._user = user
        self._transaction = transaction
        self._lookup = module.parent_field.api_name
        self._parent = catalog.modules[module.parent_field.lookup or ""]
        self._subform = next(
            field.api_name for field in self._parent.row_fields if catalog.rows_of(field) is module
        )

    def write(self, rows: Sequence[Record]) -> list[RowResult]:
        """A row has the record that it belongs to, or the id of a row that is there.

        The rows of a record are written together. If that fails, each of them is tried by itself.
        """
        results = dict.fromkeys(range(len(rows)), _refused("MANDATORY_NOT_FOUND", self._lookup))
        parents = self._parents(rows)
        there = self._transaction.existing(self._parent, set(parents.values()))
        by_parent: dict[int, list[int]] = {}
        for place, parent in parents.items():
            if parent in there:
                by_parent.setdefault(parent, []).append(place)
            else:
                results[place] = _refused("INVALID_DATA", self._lookup)
        groups = list(by_parent.items())
        written = self._update(rows, groups)
        for (parent, places), together in zip(groups, written, strict=True):
            singly = len(places) > 1 and together[0][0] == "SKIPPED"
            for place, result in zip(places, together, strict=True):
                results[place] = self._update(rows, [(parent, [place])])[0][0] if singly else result
        return list(results.values())

    def _parents(self, rows: Sequence[Record]) -> dict[int, int]:
        """By the place of a row, the id of its record; those that name none are left out."""
        ids = {place: identity for place, row in enumerate(rows) if (identity := whole_id(row.get("id")))}
        there = self._transaction.rows(self._module, ids.values())
        parents = {
            place: there[identity][self._module.parent_column]
            for place, identity in ids.items()
            if identity in there
        }
        for place, row in enumerate(rows):
            reference = row.get(self._lookup)
            if isinstance(reference, dict):
                parents[place] = whole_id(reference.get("id")) or 0
        return parents

    def _update(
        self, rows: Sequence[Record], groups: Sequence[tuple[int, list[int]]]
    ) -> list[list[RowResult]]:
        """What became of the rows of each group. Either all of a group are written, or none of them."""
        records = [
            {"id": str(parent), self._subform: [self._row(rows[place]) for place in places]}
            for parent, places in groups
        ]
        before = self._children(groups)
        prepared = to_update(self._organisation.catalog, self._parent, records)
        change = Change(self._organisation, self._parent, self._user, self._transaction)
        outcomes = change.update(prepared)
        after = self._children(groups)
        results = []
        for (parent, places), outcome in zip(groups, outcomes, strict=True):
            if outcome.document["code"] == "SUCCESS":
                added = sorted(after[parent] - before[parent])
                results.append(_written([rows[place] for place in places], added))
            else:
                results.append([result_of(outcome.document)] * len(places))
        return results

    def _row(self, row: Record) -> Record:
        return {name: value for name, value in row.items() if name != self._lookup}

    def _children(self, groups: Sequence[tuple[int, list[int]]]) -> dict[int, set[int]]:
        """By record, the ids of its rows."""
        parents = [parent for parent, _ in groups]
        children = self._transaction.children(self._module, self._module.parent_column, parents)
        return {parent: {row["id"] for row in children.get(parent, [])} for parent in parents}


def _written(rows: Sequence[Record], added: Sequence[int]) -> list[RowResult]:
    """`added` are the ids of new rows, in their order."""
    new = iter(added)
    return [
        ("UPDATED", str(row["id"]), "") if row.get("id") is not None else ("ADDED", str(next(new)), "")
        for row in rows
    ]


def _refused(code: str, name: str) -> RowResult:
    return "SKIPPED", "", f"{code}-{name}"
