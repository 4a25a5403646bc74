"""The records whose words one transaction has changed, and how their words are written at its end."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.postgresql import fulltext
from moorage.crm.storage.postgresql.fulltext import AllTextTables, tables_of
from moorage.crm.storage.postgresql.statements import Statements


class TextChanges:
    """All jobs of a group share them, because to write the full text once costs far less than for each job.

    `written` says how many records were written, by the index of words that has them.
    """

    def __init__(self, statements: Statements, schema: str) -> None:
        self._statements = statements
        self._schema = schema
        self._changes: list[tuple[Module, Mapping[int, Row | None]]] = []
        self.written: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many changes were noted."""
        return len(self._changes)

    def note_new(self, module: Module, rows: Iterable[Row]) -> None:
        self._note(module, {row["id"]: row for row in rows})

    def note_changed(self, module: Module, records: Iterable[int]) -> None:
        """Their words have to be read from the records; those that are gone have none."""
        self._note(module, dict.fromkeys(records))

    def _note(self, module: Module, rows: Mapping[int, Row | None]) -> None:
        if module.full_text and rows:
            self._changes.append((module, rows))

    def forget(self, length: int) -> None:
        """Forget all changes but the first ones."""
        del self._changes[length:]

    def write(self, tables: AllTextTables) -> AllTextTables:
        """Write the full text of all these records; gives the tables as they are then."""
        by_module: dict[Module, dict[int, Row | None]] = {}
        for module, rows in self._changes:
            by_module.setdefault(module, {}).update(rows)
        self._changes.clear()
        for module, all_rows in by_module.items():
            new_rows = [row for row in all_rows.values() if row is not None]
            if new_rows:
                tables = self._write(module, tables, new_rows, new=True)
            changed = [record for record, row in all_rows.items() if row is None]
            if changed:
                tables = self._write_again(module, tables, changed)
        return tables

    def _write_again(self, module: Module, tables: AllTextTables, records: list[int]) -> AllTextTables:
        columns = ["id", *(field.column for field in module.full_text)]
        sql = f"SELECT {', '.join(columns)} FROM {self._schema}.{module.table} WHERE id = ANY(%s)"
        rows = [dict(zip(columns, values, strict=True)) for values in self._statements.rows(sql, (records,))]
        if gone := set(records) - {row["id"] for row in rows}:
            fulltext.remove(self._statements.cursor, self._schema, module, tables_of(module, tables), gone)
        return self._write(module, tables, rows, new=False) if rows else tables

    def _write(
        self, module: Module, tables: AllTextTables, rows: Sequence[Row], *, new: bool
    ) -> AllTextTables:
        cursor, before = self._statements.cursor, tables_of(module, tables)
        after = fulltext.index(cursor, self._schema, module, before, rows, new=new)
        self.written[fulltext.newest_index(module, after)] += len(rows)
        return tables if after == before else {**tables, module.text_table: after}
