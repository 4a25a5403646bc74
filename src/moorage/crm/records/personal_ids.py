"""External fields of the type `user`: the values that each user has for records, in a program of their own.

A value is a companion of its record. Its kind names the field and the user, its name is the folded value, and its body
the value as it was sent. So no read shows a value of another user: storages know of none, and show null. `SeenBy` puts
the caller's own in its place.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.query.selection import Column, Selection
from moorage.crm.query.texts import folded
from moorage.crm.records.draft import Draft
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Filter, Order, Page, RecordStore, Transaction, Window
from moorage.crm.wire.call import settled

_AT_ONCE = 500  # Companions that one question asks for.


def _kind(field: Field, user: int) -> str:
    return f"external {field.id} {user}"


class PersonalIds:
    """The values that one user has in the records of a module, within a transaction. Changes wait for `write`."""

    def __init__(self, module: Module, transaction: Transaction, user: int) -> None:
        self._module = module
        self._transaction = transaction
        self._user = user
        self._expected: dict[Field, set[str]] = defaultdict(set)
        self._expected_records: set[int] = set()
        self._records: dict[Field, dict[str, int | None]] = defaultdict(dict)  # By folded value.
        self._stored: dict[Field, dict[int, Companion | None]] = defaultdict(dict)  # By record.
        self._changed: dict[tuple[Field, int], str | None] = {}

    def expect(self, drafts: Iterable[Draft], records: Iterable[int]) -> None:
        """Learn what the records of a request are going to ask, so that one question asks it."""
        if self._module.personal:
            for draft in drafts:
                for field, value in draft.personal.items():
                    self._expected[field].add(folded(value))
            self._expected_records.update(records)

    def record_with(self, field: Field, value: str | None) -> int | None:
        """The record that has the value now."""
        if value is None:
            return None
        records = self._records[field]
        if folded(value) not in records:
            asked = {*self._expected.pop(field, ()), folded(value)} - {None} - records.keys()
            found = self._transaction.companions.named(_kind(field, self._user), asked)
            owners = {companion.owner for several in found.values() for companion in several}
            there = self._transaction.existing(self._module, owners) if owners else set()
            for name in asked:
                living = [each.owner for each in found.get(name, ()) if each.owner in there]
                records[name] = living[0] if living else None
        return records[folded(value)]

    def put(self, record: int, draft: Draft) -> None:
        """Let a record have the values of a draft, which were found to be free."""
        for field, value in draft.personal.items():
            old = self._value(field, record)
            if old is not None and self._records[field].get(folded(old), record) == record:
                self._records[field][folded(old)] = None
            if value is not None:
                self._records[field][folded(value)] = record
            self._changed[field, record] = value

    def write(self) -> None:
        companions, removed = [], []
        ids = iter(self._transaction.new_ids(len(self._changed)) if self._changed else ())
        for (field, record), value in self._changed.items():
            stored = self._companion(field, record)
            if value is None:
                removed += [] if stored is None else [stored.id]
            else:
                identity = next(ids) if stored is None else stored.id
                kind = _kind(field, self._user)
                companions.append(Companion(identity, kind, record, folded(value), value))
        if removed:
            self._transaction.companions.remove(removed)
        if companions:
            self._transaction.companions.put(companions)
        self._changed.clear()
        self._stored.clear()

    def _value(self, field: Field, record: int) -> str | None:
        if (field, record) in self._changed:
            return self._changed[field, record]
        stored = self._companion(field, record)
        return None if stored is None else str(stored.body)

    def _companion(self, field: Field, record: int) -> Companion | None:
        stored = self._stored[field]
        if record not in stored:
            asked = {*self._expected_records, record} - stored.keys()
            found = self._transaction.companions.of(_kind(field, self._user), asked)
            stored |= {one: found[one][0] if one in found else None for one in asked}
        return stored[record]


def drop_taken(module: Module, transaction: Transaction, users: Iterable[int], records: set[int]) -> None:
    """Take values from records that came back from the recycle bin, if another record has got them meanwhile."""
    for field in module.personal if records else ():
        for user in users:
            kind = _kind(field, user)
            back = [each for several in transaction.companions.of(kind, records).values() for each in several]
            if not back:
                continue
            named = transaction.companions.named(kind, {companion.name for companion in back})
            holders = [each for several in named.values() for each in several]
            there = transaction.existing(module, [each.owner for each in holders])
            # The last one that is there keeps the value: before all others, one that was not in the bin.
            holders.sort(key=lambda each: (each.owner not in records, each.id))
            kept = {each.name: each.owner for each in holders if each.owner in there}
            transaction.companions.remove([each.id for each in back if kept[each.name] != each.owner])


async def owners_of(store: RecordStore, field: Field, user: int, values: Iterable[str]) -> dict[int, str]:
    """By record, in the recycle bin or not, the folded value of these that the user has for it."""
    which = CompanionsOf(_kind(field, user), names=tuple(folded(value) for value in values))
    owners: dict[int, str] = {}
    asked, more = 0, True
    while more:
        page = await settled(store.companions(which, Window(_AT_ONCE, asked)))
        owners |= {companion.owner: companion.name for companion in page.companions}
        asked, more = asked + _AT_ONCE, page.more
    return owners


def seen_by(user: int) -> Callable[[RecordStore], RecordStore]:
    return lambda store: cast("RecordStore", SeenBy(store, user))


class SeenBy:
    """A store whose reads show the values that a user has alone. Everything else is that of the store itself."""

    def __init__(self, store: RecordStore, user: int) -> None:
        self._store = store
        self._user = user

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Any:
        page = self._store.page(module, shape, filters, order, window)
        fields = _among(module, shape.names)
        return self._page(page, fields) if fields else page

    def record(self, module: Module, shape: Shape, record: int) -> Any:
        data = self._store.record(module, shape, record)
        fields = _among(module, shape.names)
        return self._record(data, fields) if fields else data

    def select(self, selection: Selection, filters: Sequence[Filter]) -> Any:
        fields = {
            shown.key: shown.value.field
            for shown in selection.shown
            if isinstance(shown.value, Column) and shown.value.field.storage == "personal"
        }
        if not fields:
            return self._store.select(selection, filters)
        stored = tuple(shown for shown in selection.shown if shown.key not in fields)
        asked = msgspec.structs.replace(selection, shown=stored)
        return self._page(self._store.select(asked, filters), fields, [each.key for each in selection.shown])

    async def _page(self, asked: Any, fields: Mapping[str, Field], keys: Sequence[str] | None = None) -> Page:
        page: Page = await settled(asked)
        records = msgspec.json.decode(page.data, type=list[dict[str, msgspec.Raw]])
        await self._fill(records, fields)
        if keys is not None:
            records = [{key: record[key] for key in keys} for record in records]
        return msgspec.structs.replace(page, data=msgspec.json.encode(records))

    async def _record(self, asked: Any, fields: Mapping[str, Field]) -> bytes | None:
        data = await settled(asked)
        if data is None:
            return None
        record = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        await self._fill([record], fields)
        return msgspec.json.encode(record)

    async def _fill(self, records: Sequence[dict[str, Any]], fields: Mapping[str, Field]) -> None:
        """Put the values of fields, by key, into records that show their ids."""
        ids = [int(msgspec.json.decode(record["id"])) for record in records]
        for key, field in fields.items():
            values: dict[int, Any] = {}
            for start in range(0, len(ids), _AT_ONCE):
                part = tuple(ids[start : start + _AT_ONCE])
                which = CompanionsOf(_kind(field, self._user), owners=part)
                page = await settled(self._store.companions(which, Window(len(part))))
                values |= {companion.owner: companion.body for companion in page.companions}
            for record, identity in zip(records, ids, strict=True):
                record[key] = values.get(identity)


def _among(module: Module, names: Sequence[str]) -> dict[str, Field]:
    return {field.api_name: field for field in module.personal if field.api_name in names}
