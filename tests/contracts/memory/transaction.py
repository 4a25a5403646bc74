"""Changes to the contents of an organisation."""

from tests.contracts.memory.conditions import folded


class MemoryTransaction:
    """`contents` are changed as the calls say; whoever made it keeps them, or leaves them behind."""

    def __init__(self, contents, catalog, prefix, now) -> None:
        self._contents = contents
        self._catalog = catalog
        self._prefix = prefix
        self.now = now

    def new_ids(self, count):
        first = self._prefix * 10**12 + self._contents.next_id
        self._contents.next_id += count
        return range(first, first + count)

    def next_number(self, field):
        number = self._contents.numbers[field.id] = self._contents.numbers.get(field.id, 0) + 1
        return number

    def existing(self, module, ids):
        return set(ids) & self._contents.table(module).keys()

    def row(self, module, record):
        row = self._contents.table(module).get(record)
        return None if row is None else self._whole(module, row)

    def matching(self, module, field, value):
        rows = self._contents.table(module).values()
        ids = sorted(row["id"] for row in rows if folded(row.get(field.column)) == folded(value))
        return ids[:2]

    def children(self, module, parent_column, parent):
        rows = [row for row in self._contents.table(module).values() if row.get(parent_column) == parent]
        return [self._whole(module, row) for row in sorted(rows, key=lambda row: row["id"])]

    def insert(self, module, rows):
        for row in rows:
            self._put(module, dict(row))

    def update(self, module, record, changes):
        row = self._contents.table(module).get(record)
        if row is not None:
            self._put(module, row | changes)

    def recycle(self, module, record, by):
        row = self.row(module, record)
        if row is None:
            return False
        for field in module.of_type("subform"):
            lines = self._catalog.modules[field.subform]
            rows = self.children(lines, lines.fields["Parent_Id"].column, record)
            self.drop(lines, [line["id"] for line in rows])
        creator = module.fields.get("Created_By")
        entry = {
            "id": record,
            "module": module.number,
            "display_name": row[module.display.column] if module.display else None,
            "deleted_by": by,
            "created_by": row[creator.column] if creator else None,
            "deleted_time": self.now,
        }
        self._contents.recycled.append(entry)
        self.drop(module, [record])
        return True

    def drop(self, module, records):
        for record in list(records):
            self._contents.table(module).pop(record, None)

    def tag(self, module, name):
        key = (module.number, folded(name))
        if key not in self._contents.tags:
            self._contents.tags[key] = self.new_ids(1)[0]
        return self._contents.tags[key]

    def column(self, module, column):
        return [row.get(column) for row in self._contents.table(module).values()]

    def fill(self, module, column, value):
        for row in list(self._contents.table(module).values()):
            self._contents.table(module)[row["id"]] = row | {column: value}

    def _put(self, module, row):
        for field in module.fields.values():
            value = row.get(field.column)
            if field.unique and value is not None and set(self.matching(module, field, value)) - {row["id"]}:
                raise ValueError(f"{field.api_name} holds {value!r} already")
        self._contents.table(module)[row["id"]] = row

    @staticmethod
    def _whole(module, row):
        """With every column."""
        columns = {"id": None}
        for field in module.fields.values():
            if field.storage not in {"id", "subform"}:
                columns[field.column] = None
                if field.lookup_modules:
                    columns[field.module_column] = None
        return columns | row
