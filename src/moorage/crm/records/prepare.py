"""The first half of a write: each record is read and checked by itself, before the transaction begins."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.draft import Draft, draft_of

# A draft of a record, or the Fault that says why it can't be written.
Checked: TypeAlias = Draft | Fault


class Prepared(msgspec.Struct, frozen=True):
    """One record of a request, checked for an insert, an update, or both. None means that it was not checked for it."""

    record: Any
    path: str
    insert: Checked | None = None
    update: Checked | None = None

    @property
    def drafts(self) -> list[Draft]:
        return [draft for draft in (self.insert, self.update) if isinstance(draft, Draft)]


def to_insert(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    return [insertable(catalog, module, record, path) for record, path in _with_paths(records)]


def to_update(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    return [updatable(catalog, module, record, path) for record, path in _with_paths(records)]


def to_upsert(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
    """A record without an id is checked for both, because only the store knows if it will be inserted or updated."""
    return [
        Prepared(
            record,
            path,
            insert=None if _has_id(record) else _checked(catalog, module, record, path, insert=True),
            update=_checked(catalog, module, record, path, insert=False),
        )
        for record, path in _with_paths(records)
    ]


def insertable(catalog: Catalog, module: Module, record: Any, path: str) -> Prepared:
    """A record to insert; `path` is where it stands in the body."""
    return Prepared(record, path, insert=_checked(catalog, module, record, path, insert=True))


def updatable(catalog: Catalog, module: Module, record: Any, path: str) -> Prepared:
    return Prepared(record, path, update=_checked(catalog, module, record, path, insert=False))


def required(checked: Checked | None) -> Draft:
    """The draft of a record that can be written. Raises the Fault of one that can't."""
    if isinstance(checked, Fault):
        raise checked
    assert checked is not None
    return checked


def drafts_of(records: Sequence[Prepared]) -> list[Draft]:
    return [draft for prepared in records for draft in prepared.drafts]


def id_of(record: Any) -> int | None:
    return whole_id(record.get("id")) if isinstance(record, dict) else None


def _with_paths(records: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    for index, record in enumerate(records):
        yield record, f"$.data[{index}]"


def _has_id(record: Any) -> bool:
    return isinstance(record, dict) and record.get("id") is not None


def _checked(catalog: Catalog, module: Module, record: Any, path: str, *, insert: bool) -> Checked:
    try:
        return draft_of(catalog, module, record, path, insert=insert)
    except Fault as fault:
        return fault
