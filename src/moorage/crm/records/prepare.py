"""The first half of a write: records read and checked by themselves, before the writer is asked for its turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.records.draft import Draft, draft

# A record as it can be written, or why it can't.
Checked: TypeAlias = Draft | Fault


@dataclass(frozen=True, slots=True)
class Prepared:
    """One record of a request. `insert` and `update` are what it would be as either; None: it is not to be that."""

    record: Any
    path: str
    insert: Checked | None = None
    update: Checked | None = None

    @property
    def drafts(self) -> list[Draft]:
        return [one for one in (self.insert, self.update) if isinstance(one, Draft)]


def to_insert(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    return [replace(one, insert=_checked(catalog, module, one, insert=True)) for one in _prepared(records)]


def to_update(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    return [replace(one, update=_checked(catalog, module, one, insert=False)) for one in _prepared(records)]


def to_upsert(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    """Only the store knows which of the two each will be."""
    return [
        replace(
            one,
            insert=_checked(catalog, module, one, insert=True),
            update=_checked(catalog, module, one, insert=False),
        )
        for one in _prepared(records)
    ]


def required(checked: Checked | None) -> Draft:
    """Raises the fault of a record that can't be written."""
    if isinstance(checked, Fault):
        raise checked
    assert checked is not None
    return checked


def _prepared(records: Sequence[Any]) -> list[Prepared]:
    return [Prepared(record, f"$.data[{index}]") for index, record in enumerate(records)]


def _checked(catalog: Catalog, module: Module, one: Prepared, *, insert: bool) -> Checked:
    try:
        return draft(catalog, module, one.record, one.path, insert=insert)
    except Fault as fault:
        return fault
