"""Changes to the contents of an organisation."""

import msgspec

from tests.contracts.memory.aggregates import aggregated
from tests.contracts.memory.companions import MemoryCompanions
from tests.contracts.memory.conditions import Conditions, folded
from tests.contracts.memory.files import MemoryFiles
from tests.contracts.memory.outbox import MemoryOutbox
from tests.contracts.memory.recycle_bin import MemoryBin


class MemoryTransaction:
    """`contents` are changed as the calls say; whoever made it keeps them, or leaves them behind."""

    def __init__(self, contents, catalog, prefix, now) -> None:
        self._contents = contents
        self._catalog = catalog
        self._prefix = prefix
        self.now = now
        self.wakes = None

    def new_ids(self, count):
        first = self._prefix * 10**12 + self._contents.next_id
        self._contents.next_id += count
        return range(first, first + count)

    def next_numbers(self, field, count):
        last = self._contents.numbers.get(field.id, 0)
        self._contents.numbers[field.id] = last + count
        return range(last + 1, last + count + 1)

    def existing(self, module, ids):
        return set(ids) & self._contents.table(module).keys()

    def rows(self, module, ids):
        table = self._contents.table(module)
        return {record: self._whole(module, table[record]) for record in set(ids) & table.keys()}

    def matching(self, module, field, values):
        return {value: self._matching(module, field, value) for value in values}

    def _matching(self, module, field, value):
        rows = self._contents.table(module).values()
        return sorted(row["id"] for row in rows if folded(row.get(field.column)) == folded(value))[:2]

    def children(self, module, parent_column, parents):
        children = {}
        rows = self._contents.table(module)
        for row in (rows[record] for record in sorted(rows)):
            if row.get(parent_column) in set(parents):
                children.setdefault(row[parent_column], []).append(self._whole(module, row))
        return children

    def aggregates(self, module, lookup, wanted, parents):
        conditions = Conditions(module, self._catalog, {}, self._contents)
        groups = {}
        for row in self._contents.table(module).values():
            if row.get(lookup.column) in set(parents):
                groups.setdefault(row[lookup.column], []).append(row)
        return {
            parent: [aggregated(aggregate, rows, conditions) for aggregate in wanted]
            for parent, rows in groups.items()
        }

    def insert(self, module, rows):
        for row in rows:
            self._put(module, dict(row))

    def update(self, module, changes):
        for record, row in changes.items():
            before = self._contents.table(module).get(record)
            if before is not None:
                self._put(module, before | row)

    def recycle(self, module, records, by):
        rows = self.rows(module, records)
        for record, row in rows.items():
            self._recycle(module, record, row, by)
        return set(rows)

    def _recycle(self, module, record, row, by):
        subforms = {}
        for lines, lookup in self._catalog.rows_pointing_to(module):
            children = self.children(lines, lookup.column, [record]).get(record, [])
            subforms.setdefault(lines.api_name, []).extend(children)
            self.drop(lines, [line["id"] for line in children])
        creator = module.fields.get("Created_By")
        entry = {
            "id": record,
            "module": module.number,
            "display_name": row[module.display.column] if module.display else None,
            "deleted_by": by,
            "created_by": row[creator.column] if creator else None,
            "deleted_time": self.now,
            "kind": "recycle",
            "body": {"row": row, "subforms": subforms},
        }
        self._contents.recycled.append(entry)
        self.drop(module, [record])

    def drop(self, module, records):
        for record in list(records):
            self._contents.table(module).pop(record, None)

    def containing(self, module, field, part, after, most):
        rows = self._contents.table(module)
        found = [i for i in sorted(rows) if i > after and part in (rows[i].get(field.column) or "")]
        return {record: rows[record][field.column] for record in found[:most]}

    def take_old_tags(self):
        return []

    def emit(self, kind, payload):
        self.wakes = bool(self.wakes) or self._contents.known is None
        if self._contents.known is None:
            self._contents.known = self.now
        stored = msgspec.json.decode(msgspec.json.encode(payload))
        self._contents.events.append((self.new_ids(1)[0], kind, stored))

    @property
    def is_watched(self):
        return self._contents.watched > self.now

    def watch(self, until):
        self._contents.watched = until

    @property
    def outbox(self):
        return MemoryOutbox(self._contents, self.now)

    @property
    def bin(self):
        return MemoryBin(self._contents)

    @property
    def companions(self):
        return MemoryCompanions(self._contents)

    @property
    def files(self):
        return MemoryFiles(self._contents, self.now, self.new_ids)

    def column(self, module, column):
        return [row.get(column) for row in self._contents.table(module).values()]

    def fill(self, module, column, value):
        for row in list(self._contents.table(module).values()):
            self._contents.table(module)[row["id"]] = row | {column: value}

    def rewrite(self, module, columns, change):
        for record, row in list(self._contents.table(module).items()):
            changed = change({column: row.get(column) for column in columns})
            self._contents.table(module)[record] = row | changed

    def _put(self, module, row):
        for field in module.fields.values():
            value = row.get(field.column)
            if field.unique and value is not None and set(self._matching(module, field, value)) - {row["id"]}:
                raise ValueError(f"{field.api_name} holds {value!r} already")
        self._contents.table(module)[row["id"]] = row

    @staticmethod
    def _whole(module, row):
        """With every column."""
        columns = {"id": None}
        for field in module.fields.values():
            if field.storage not in {"id", "rows", "personal"}:
                columns[field.column] = None
                if field.lookup_modules:
                    columns[field.module_column] = None
        return columns | row
