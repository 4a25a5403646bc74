"""The first half of a write: records read and checked by themselves, before the writer is asked for its turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    return [
        Prepared(record, path, insert=_checked(catalog, module, record, path, insert=True))
        for record, path in _placed(records)
    ]


def to_update(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    return [
        Prepared(record, path, update=_checked(catalog, module, record, path, insert=False))
        for record, path in _placed(records)
    ]


def to_upsert(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    """Of a record without an id, only the store knows which of the two it will be."""
    return [
        Prepared(
            record,
            path,
            insert=None if _has_id(record) else _checked(catalog, module, record, path, insert=True),
            update=_checked(catalog, module, record, path, insert=False),
        )
        for record, path in _placed(records)
    ]


def required(checked: Checked | None) -> Draft:
    """Raises the fault of a record that can't be written."""
    if isinstance(checked, Fault):
        raise checked
    assert checked is not None
    return checked


def _placed(records: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    for index, record in enumerate(records):
        yield record, f"$.data[{index}]"


def _has_id(record: Any) -> bool:
    return isinstance(record, dict) and record.get("id") is not None


def _checked(catalog: Catalog, module: Module, record: Any, path: str, *, insert: bool) -> Checked:
    try:
        return draft(catalog, module, record, path, insert=insert)
    except Fault as fault:
        return fault
