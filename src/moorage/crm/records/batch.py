"""Asks the store the questions of all records of a request together, and makes their changes together.

Otherwise a request of a hundred records would ask a hundred times. In this process that costs nothing, but with a
database on another machine it is a hundred round trips. So the batch first learns what the records will ask
(`expect_…`), and asks all of it when the first answer is needed. Changes wait here until the end, and answers take
account of them: each record sees the changes of the records before it, as if each came in a request of its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.texts import folded
from moorage.crm.records.roll_ups import RollUps
from moorage.crm.storage.contract.records import Row, Transaction


class Batch:
    """The questions and changes of one request, within one transaction."""

    def __init__(self, transaction: Transaction, roll_ups: RollUps) -> None:
        self._transaction = transaction
        self._roll_ups = roll_ups
        self._ids_expected = 0  # New records and rows, at most.
        self._ids: Iterator[int] = iter(())
        self._rows: dict[Module, dict[int, Row | None]] = defaultdict(dict)
        self._existing: dict[Module, dict[int, bool]] = defaultdict(dict)
        self._children: dict[Module, dict[int, dict[int, Row]]] = defaultdict(dict)
        self._values = _Values(self)
        self._expected: dict[tuple[str, Module], set[Any]] = defaultdict(set)
        self._changes = _Changes()
        self.now = transaction.now

    # What the records are going to ask

    def expect_ids(self, count: int) -> None:
        self._ids_expected += count

    def expect_records(self, module: Module, ids: Iterable[int]) -> None:
        self._expected["records", module].update(ids)

    def expect_rows(self, module: Module, ids: Iterable[int]) -> None:
        self._expected["rows", module].update(ids)

    def expect_children(self, module: Module, parents: Iterable[int]) -> None:
        self._expected["children", module].update(parents)

    def expect_values(self, module: Module, field: Field, values: Iterable[Any]) -> None:
        self._values.expect(module, field, values)

    # Questions

    def new_id(self) -> int:
        new_id = next(self._ids, None)
        if new_id is None:
            self._ids = iter(self._transaction.new_ids(max(1, self._ids_expected)))
            self._ids_expected = 0
            new_id = next(self._ids)
        return new_id

    def exists(self, module: Module, record: int) -> bool:
        if record in self._rows[module]:
            return self._rows[module][record] is not None
        existing = self._existing[module]
        if record not in existing:
            ids = self._take("records", module, record)
            existing |= dict.fromkeys(ids, False)
            existing |= dict.fromkeys(self._transaction.existing(module, ids), True)
        return existing[record]

    def row(self, module: Module, record: int) -> Row | None:
        """All columns of a record; None if it does not exist."""
        rows = self._rows[module]
        if record not in rows:
            ids = self._take("rows", module, record) - rows.keys()
            rows |= dict.fromkeys(ids, None)
            rows |= self._transaction.rows(module, ids)
        row = rows[record]
        return None if row is None else dict(row)

    def matching(self, module: Module, field: Field, value: Any) -> list[int]:
        """Ids of the two oldest records whose field equals the value."""
        return self._values.matching(module, field, value)

    def children(self, module: Module, parent: int) -> list[Row]:
        """The rows of a module that belong to the parent, oldest first."""
        by_parent = self._children[module]
        if parent not in by_parent:
            parents = self._take("children", module, parent) - by_parent.keys()
            children = self._transaction.children(module, module.parent_column, parents)
            for parent_id, rows in children.items():
                by_parent[parent_id] = {row["id"]: row for row in rows}
                self._rows[module] |= by_parent[parent_id]
            for parent_id in parents:
                by_parent.setdefault(parent_id, {})
        return [dict(row) for row in by_parent[parent].values()]

    # Changes

    def insert(self, module: Module, row: Row, numbers: Iterable[Field] = ()) -> None:
        """`numbers` are the autonumber fields: the row gets the next number of each."""
        self._changes.insert(module, row)
        self._changes.numbers += [(field, row) for field in numbers]
        self._put(module, row["id"], None, row)

    def update(self, module: Module, record: int, changes: Row) -> None:
        if not changes:
            return
        if self._changes.is_waiting(module, record) and any(
            field.unique and field.column in changes for field in module.fields.values()
        ):
            self.flush()  # Another record may have the value by now that this one had in between.
        old = self.row(module, record)
        self._changes.update(module, record, changes)
        self._put(module, record, old, {**(old or {}), **changes})

    def drop(self, module: Module, records: Iterable[int]) -> None:
        """Remove rows for good."""
        for record in records:
            old = self._rows[module].get(record)
            self._changes.drop(module, record)
            self._put(module, record, old, None)

    def flush(self) -> None:
        """Write the changes that wait."""
        self._changes.write(self._transaction)

    def ask_values(self, module: Module, field: Field, values: Iterable[Any]) -> Mapping[Any, list[int]]:
        return self._transaction.matching(module, field, list(values))

    def _put(self, module: Module, record: int, old: Row | None, new: Row | None) -> None:
        self._rows[module][record] = new
        self._values.note(module, record, old, new)
        if module.roll_ups:
            self._roll_ups.note(module, old, new)
        if module.parent_field is not None:
            parent = (new or old or {}).get(module.parent_field.column)
            # If the rows of this parent were never asked for, the parent is new, and has no others.
            rows = self._children[module].setdefault(parent or 0, {})
            if new is None:
                rows.pop(record, None)
            else:
                rows[record] = new

    def _take(self, kind: str, module: Module, key: Any) -> set[Any]:
        """The keys that were expected and not asked for yet, with the one that is needed now."""
        return self._expected.pop((kind, module), set()) | {key}


class _Values:
    """Knows which records have a value, for the fields by which records are looked up."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._expected: dict[tuple[Module, Field], dict[Any, Any]] = defaultdict(dict)
        self._stored: dict[tuple[Module, Field], dict[Any, list[int]]] = defaultdict(dict)
        self._changed: dict[Module, dict[int, Row | None]] = defaultdict(dict)
        self._by_value: dict[tuple[Module, Field], dict[Any, set[int]]] = {}

    def expect(self, module: Module, field: Field, values: Iterable[Any]) -> None:
        self._expected[module, field] |= {folded(value): value for value in values}

    def matching(self, module: Module, field: Field, value: Any) -> list[int]:
        stored = self._of_store(module, field, value)
        changed = self._changed[module]
        unchanged = [record for record in stored if record not in changed]
        waiting = self._index(module, field).get(folded(value), set())
        if len(stored) > 1 and len(unchanged) + len(waiting & set(stored)) < len(stored):
            self._batch.flush()  # A third record may have the value, too: the store tells two at most.
            self._stored[module, field].pop(folded(value))
            stored = self._of_store(module, field, value)
            unchanged = [record for record in stored if record not in changed]
        return sorted({*unchanged, *waiting})[:2]

    def note(self, module: Module, record: int, old: Row | None, new: Row | None) -> None:
        self._changed[module][record] = new
        for (indexed, field), index in self._by_value.items():
            if indexed is module:
                if old is not None:
                    index.get(folded(old.get(field.column)), set()).discard(record)
                if new is not None:
                    index.setdefault(folded(new.get(field.column)), set()).add(record)

    def _of_store(self, module: Module, field: Field, value: Any) -> list[int]:
        ids_of_values = self._stored[module, field]
        if folded(value) not in ids_of_values:
            values = {**self._expected.pop((module, field), {}), folded(value): value}
            ids_by_value = self._batch.ask_values(module, field, values.values())
            ids_of_values |= {folded(value): ids for value, ids in ids_by_value.items()}
            for folded_value in values:
                ids_of_values.setdefault(folded_value, [])
            # A record that is looked up is likely to be changed.
            self._batch.expect_rows(module, [record for ids in ids_by_value.values() for record in ids])
        return ids_of_values[folded(value)]

    def _index(self, module: Module, field: Field) -> dict[Any, set[int]]:
        """The changed records, by the value that they have now."""
        index = self._by_value.get((module, field))
        if index is None:
            index = self._by_value[module, field] = {}
            for record, row in self._changed[module].items():
                if row is not None:
                    index.setdefault(folded(row.get(field.column)), set()).add(record)
        return index


class _Changes:
    """Changes that wait to be written. Updates go first: a new record may have a value that an update frees."""

    def __init__(self) -> None:
        self._inserts: dict[Module, dict[int, Row]] = defaultdict(dict)
        self._updates: dict[Module, dict[int, Row]] = defaultdict(dict)
        self._drops: dict[Module, list[int]] = defaultdict(list)
        self.numbers: list[tuple[Field, Row]] = []

    def is_waiting(self, module: Module, record: int) -> bool:
        return record in self._updates[module]

    def insert(self, module: Module, row: Row) -> None:
        self._inserts[module][row["id"]] = row

    def update(self, module: Module, record: int, changes: Row) -> None:
        waiting = self._inserts[module].get(record)
        if waiting is not None:
            waiting |= changes
        else:
            self._updates[module].setdefault(record, {}).update(changes)

    def drop(self, module: Module, record: int) -> None:
        self._updates[module].pop(record, None)
        if self._inserts[module].pop(record, None) is None:
            self._drops[module].append(record)

    def write(self, transaction: Transaction) -> None:
        self._number(transaction)
        for module, records in self._drops.items():
            transaction.drop(module, records)
        for module, changes in self._updates.items():
            if changes:
                transaction.update(module, changes)
        for module, rows in self._inserts.items():
            if rows:
                transaction.insert(module, list(rows.values()))
        for waiting in (self._drops, self._updates, self._inserts):
            waiting.clear()

    def _number(self, transaction: Transaction) -> None:
        """Number records at the end, as a refused record must leave no gap."""
        rows: dict[Field, list[Row]] = defaultdict(list)
        for field, row in self.numbers:
            rows[field].append(row)
        for field, numbered in rows.items():
            for row, number in zip(numbered, transaction.next_numbers(field, len(numbered)), strict=True):
                row[field.column] = field.numbered(number)
        self.numbers.clear()
