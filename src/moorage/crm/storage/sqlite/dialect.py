"""Conditions as SQLite writes them, with the indexes of `schema.py`."""

from collections.abc import Callable, Sequence
from typing import Any

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.texts import PHONE_FORMATTING
from moorage.crm.query.words import plain_text
from moorage.crm.storage.columns import has_digits_index, has_index
from moorage.crm.storage.sqlite.fulltext import TextRange, matching_ids
from moorage.crm.storage.sqlite.text_layout import PhraseQuery, TextLayout, TextQuery, WordStartsQuery


def collation(field: Field) -> str:
    """Text is compared regardless of case. The index of a unique field has this collation for every type."""
    return " COLLATE NOCASE" if field.storage == "text" or field.unique else ""


def phone_digits(column: str) -> str:
    """SQL for a phone number without the signs that don't count."""
    for sign in PHONE_FORMATTING:
        column = f"replace({column},'{sign}','')"
    return column


class SqliteDialect:
    """A `Dialect`."""

    parameter = "?"
    users = "users"

    def __init__(self, layout: TextLayout, ranges: Callable[[Module], Sequence[TextRange]]) -> None:
        self._layout = layout
        self._ranges = ranges

    def table(self, module: Module, *, whole: bool = False) -> str:  # noqa: ARG002 (every module has its table)
        return module.table

    def equal(self, field: Field, column: str) -> str:
        return f"{column} = ?{collation(field)}"

    def same_text(self, column: str) -> str:
        return f"{column} = ? COLLATE NOCASE"

    def ordered_text(self, column: str) -> str:
        return f"{column} COLLATE NOCASE"

    def exact_text(self, column: str) -> str:
        return column

    def like(self, column: str) -> str:
        return f"{column} LIKE ? ESCAPE '\\'"

    def items(self, column: str, key: str | None) -> tuple[str, str]:
        return f"json_each({column}) j", "j.value" if key is None else f"j.value ->> '$.{key}'"

    def one_of(self, column: str) -> str:
        return f"{column} IN (SELECT value FROM json_each(?))"

    def digits(self, column: str) -> str:
        return phone_digits(column)

    def is_indexed(self, field: Field) -> bool:
        return has_index(field)

    def is_listed(self, field: Field) -> bool:
        # SQLite does not use a partial index with a collation inside an OR.
        return bool(collation(field)) and self.is_indexed(field)

    def has_digits_indexed(self, field: Field) -> bool:
        return has_digits_index(field)

    def phrase_query(self, field: Field, text: str, *, start: bool) -> TextQuery:
        return PhraseQuery(field, f"^ {_quoted(text)} *" if start else _quoted(text))

    def word_starts_query(self, phrases: Sequence[str]) -> TextQuery:
        return WordStartsQuery(tuple(map(_quoted, phrases)))

    def matches(self, module: Module, query: Any) -> tuple[str, tuple[object, ...]]:
        conditions = self._layout.conditions(module, query)
        selects = [matching_ids(conditions, text_range.suffix) for text_range in self._ranges(module)]
        params = tuple(value for _, values in selects for value in values)
        return " UNION ALL ".join(sql for sql, _ in selects), params

    def sum(self, _field: Field, column: str, only: str) -> str:
        return f"exact_sum({column}){only}"

    def average(self, column: str, places: int, only: str) -> str:
        return f"exact_average_{places}({column}){only}"


def _quoted(text: str) -> str:
    """A phrase in the query language of the full text. Inside quotes, only the quote has a meaning."""
    return '"' + plain_text(text).replace('"', '""') + '"'
