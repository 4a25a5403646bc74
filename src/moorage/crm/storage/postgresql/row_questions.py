"""What the jobs of a transaction ask of the rows of modules."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.storage.columns import columns_of
from moorage.crm.storage.compile import compile_groups
from moorage.crm.storage.contract.aggregates import Aggregate
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.postgresql import schema
from moorage.crm.storage.postgresql.dialect import PostgresqlDialect
from moorage.crm.storage.postgresql.expressions import compared
from moorage.crm.storage.postgresql.inventory import Inventory
from moorage.crm.storage.postgresql.statements import Statements
from moorage.crm.storage.postgresql.waiting import WaitingRows


class RowQuestions:
    """Each question is asked when what waits has been written, so that it sees what the jobs have done."""

    def __init__(
        self,
        statements: Statements,
        schema_name: str,
        catalog: Catalog,
        inventory: Inventory,
        waiting: WaitingRows,
    ) -> None:
        self.statements = statements
        self.schema = schema_name
        self.catalog = catalog
        self.inventory = inventory
        self._waiting = waiting

    def existing(self, module: Module, ids: Iterable[int]) -> set[int]:
        sql = f"SELECT id FROM {self._table(module)} WHERE id = ANY(%s)"
        return {row[0] for row in self._asked(module, sql, list(ids))}

    def rows(self, module: Module, ids: Iterable[int]) -> dict[int, Row]:
        return {row["id"]: row for row in self._rows_where(module, "id = ANY(%s)", list(ids))}

    def matching(self, module: Module, field: Field, values: Sequence[Any]) -> dict[Any, list[int]]:
        ids_by_value: dict[Any, list[int]] = {value: [] for value in values}
        self._index_equal(module, field)
        asked = list(ids_by_value)
        for place, record in self._asked(module, _oldest_matches(self._table(module), field), asked):
            ids_by_value[asked[place - 1]].append(record)
        return ids_by_value

    def children(self, module: Module, parent_column: str, parents: Iterable[int]) -> dict[int, list[Row]]:
        children: dict[int, list[Row]] = {}
        for row in self._rows_where(module, f"{parent_column} = ANY(%s) ORDER BY id", list(parents)):
            children.setdefault(row[parent_column], []).append(row)
        return children

    def aggregates(
        self, module: Module, lookup: Field, wanted: Sequence[Aggregate], parents: Iterable[int]
    ) -> dict[int, list[Any]]:
        sql, params = compile_groups(module, lookup, wanted, self.catalog, self.dialect)
        rows = self._asked(module, sql, *params, list(parents))
        return {parent: list(values) for parent, *values in rows}

    def containing(self, module: Module, field: Field, part: str, after: int, most: int) -> dict[int, Any]:
        sql = (
            f"SELECT id, {field.column} FROM {self._table(module)}"
            f" WHERE id > %s AND strpos({field.column}, %s) > 0 ORDER BY id LIMIT %s"
        )
        return dict(self._asked(module, sql, after, part, most))

    @property
    def dialect(self) -> PostgresqlDialect:
        return PostgresqlDialect(self.schema, self.inventory)

    def _table(self, module: Module) -> str:
        return f"{self.schema}.{module.table}"

    def _asked(self, module: Module, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """The rows that a question about a module gives: none if it has no records yet."""
        if not self.inventory.has(module):
            return []
        self._waiting.settle()
        return self.statements.rows(sql, params)

    def _rows_where(self, module: Module, condition: str, ids: list[int]) -> Iterator[Row]:
        columns = columns_of(module)
        sql = f"SELECT {', '.join(columns)} FROM {self._table(module)} WHERE {condition}"
        return (dict(zip(columns, values, strict=True)) for values in self._asked(module, sql, ids))

    def _index_equal(self, module: Module, field: Field) -> None:
        """Make the index for lookups by a field, unless it has another one."""
        name = schema.equal_index(module, field)
        if field.storage != "text" or field.data_type == "email" or field.unique:
            return
        if self.inventory.has(module) and not self._has(name):
            self._waiting.settle()
            self.statements.run(schema.equal_index_statement(self.schema, module, field))
            self._know({name})

    def _has(self, relation: str) -> bool:
        return relation in self.inventory.relations

    def _know(self, relations: set[str]) -> None:
        self.inventory = replace(self.inventory, relations=self.inventory.relations | relations)


def _oldest_matches(table: str, field: Field) -> str:
    """The question for the two oldest records with each of an array of values, each with the value's place."""
    # The sum keeps the server from walking through all ids in their order, to find two that match.
    oldest = (
        f"SELECT r.id FROM {table} r"
        f" WHERE {compared(field, f'r.{field.column}')} = {compared(field, 'v.value')}"
        " ORDER BY r.id + 0 LIMIT 2"
    )
    kind = schema.VALUE_TYPE[field.storage]
    return (
        f"SELECT v.place, m.id FROM unnest(%s::{kind}[]) WITH ORDINALITY AS v (value, place)"
        f" CROSS JOIN LATERAL ({oldest}) m ORDER BY v.place, m.id"
    )
