"""Conditions as PostgreSQL writes them, with the indexes of `schema.py`. Every table is named with its schema.

Columns of text have the collation "C", so they are ordered by code points. `lower` in this collation knows A to Z only.
"""

from collections.abc import Sequence
from typing import Any

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage.columns import has_digits_index, has_index
from moorage.crm.storage.postgresql.expressions import compared, nocase, phone_digits
from moorage.crm.storage.postgresql.fulltext import matching_ids
from moorage.crm.storage.postgresql.inventory import Inventory
from moorage.crm.storage.postgresql.lexemes import TextQuery, phrase_query, word_starts_query
from moorage.crm.storage.postgresql.schema import types_of

# Zeros for more decimals than any average is rounded to, also if it lies a little beside the middle of two numbers.
_EXACT = f"0.{'0' * 40}"
_MOST_WHOLE = "1000000000000000000"


class PostgresqlDialect:
    """A `Dialect` for the organisation in a schema."""

    parameter = "%s"

    def __init__(self, schema: str, inventory: Inventory) -> None:
        self.users = f"{schema}.users"
        self._schema = schema
        self._inventory = inventory

    def table(self, module: Module, *, whole: bool = False) -> str:
        if self._inventory.has(module):
            return f"{self._schema}.{module.table}"
        types = types_of(module)
        if module.parent_field is None and not whole:  # Mostly, only the names of such records are shown.
            types = {
                c: kind for c, kind in types.items() if c in {"id", module.display and module.display.column}
            }
        columns = ", ".join(f"NULL::{kind} AS {column}" for column, kind in types.items())
        return f"(SELECT {columns} WHERE FALSE)"

    def equal(self, field: Field, column: str) -> str:
        return f"{compared(field, column)} = {compared(field, '%s')}"

    def same_text(self, column: str) -> str:
        return f"{nocase(column)} = {nocase('%s')}"

    def ordered_text(self, column: str) -> str:
        return nocase(column)

    def exact_text(self, column: str) -> str:
        return f'{column} COLLATE "C"'

    def like(self, column: str) -> str:
        return f"{nocase(column)} LIKE {nocase('%s')}"

    def items(self, column: str, key: str | None) -> tuple[str, str]:
        items = "json_array_elements_text" if key is None else "json_array_elements"
        return f"{items}({column}::json) j(item)", "j.item" if key is None else f"(j.item ->> '{key}')"

    def one_of(self, column: str) -> str:
        return f"{column} = ANY(%s)"

    def digits(self, column: str) -> str:
        return phone_digits(column)

    def is_indexed(self, field: Field) -> bool:
        return has_index(field)

    def is_listed(self, _field: Field) -> bool:
        return False

    def has_digits_indexed(self, field: Field) -> bool:
        return has_digits_index(field)

    def phrase_query(self, field: Field, text: str, *, start: bool) -> TextQuery:
        return phrase_query(field, text, start=start)

    def word_starts_query(self, phrases: Sequence[str]) -> TextQuery:
        return word_starts_query(phrases)

    def matches(self, module: Module, query: Any) -> tuple[str, tuple[object, ...]]:
        if not self._inventory.has(module):
            return "SELECT NULL::bigint WHERE FALSE", ()
        return matching_ids(self._schema, module, self._inventory.texts_of(module), query)

    def sum(self, field: Field, column: str, only: str) -> str:
        if field.storage == "real":
            return f"sum({column}::text::numeric){only}::float8"
        # The aggregate may stand here only once, so what has too many digits is moved to the limit, which is no sum.
        within = f"least(greatest(sum({column}){only}, -{_MOST_WHOLE}), {_MOST_WHOLE})"
        return f"nullif(nullif({within}, {_MOST_WHOLE}), -{_MOST_WHOLE})::bigint"

    def average(self, column: str, places: int, only: str) -> str:
        return f"round(avg({column}::text::numeric + {_EXACT}){only}, {places})::float8"
